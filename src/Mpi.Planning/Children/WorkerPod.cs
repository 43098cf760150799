using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>Worker pods (spec 2.5): one of them, or the template that a StatefulSet makes all of them from.</summary>
internal static class WorkerPod
{
    public static JsonObject Manifest(Draft draft, int index)
    {
        var profile = draft.Scene.Profile;
        var name = profile.Worker(index);
        var labels = profile.IndexLabel is { } key ? profile.WorkerLabels.SetItem(key, IndexLabel(draft, index)) : profile.WorkerLabels;
        foreach (var more in profile.WorkerIndexLabels) labels = labels.SetItem(more, index.ToString(CultureInfo.InvariantCulture));
        var (metadata, spec) = Make(draft, labels, name);
        metadata.Insert(0, "name", name);
        metadata.Insert(1, "namespace", profile.Job.Namespace);
        metadata["ownerReferences"] = ChildManifest.OwnerReferences(profile);
        return new JsonObject { ["apiVersion"] = Kinds.Pod.ApiVersion, ["kind"] = Kinds.Pod.Kind, ["metadata"] = metadata, ["spec"] = spec };
    }

    /// <summary>For pods that get name, host name, index and owner from their StatefulSet.</summary>
    public static JsonObject Template(Draft draft)
    {
        var (metadata, spec) = Make(draft, draft.Scene.Profile.WorkerLabels, name: null);
        // The only policy that the API takes there.
        spec["restartPolicy"] = "Always";
        return new JsonObject { ["metadata"] = metadata, ["spec"] = spec };
    }

    private static (JsonObject Metadata, JsonObject Spec) Make(Draft draft, IEnumerable<KeyValuePair<string, string>> labels, string? name)
    {
        var options = draft.Scene.Options;
        var template = draft.Run.Workers.Template;
        var metadata = PodTemplate.Metadata(template, draft, labels);
        var spec = PodTemplate.Spec(template);
        GangGroup.Mark(draft, metadata, spec);
        if (name is not null) PodTemplate.Name(spec, name, draft.Scene.Profile);
        else PodTemplate.ResolveOnHostNetwork(spec);
        PodTemplate.SearchService(spec, draft);
        spec["restartPolicy"] = draft.Run.Workers.RestartPolicy;

        var container = PodTemplate.ContainerZero(spec);
        if (IsEmpty(container["command"]) && IsEmpty(container["args"])) container["command"] = draft.Wiring.WorkerCommand.ToTree();
        PodTemplate.AddEnv(container, draft.Wiring.WorkerEnv, options.Strict);
        PodTemplate.KeepLastWords(container, options.Strict);
        if (draft.Uses(Transport.Agent)) AgentPods.MakeWorker(spec, draft, name);
        else if (draft.Uses(Transport.Ssh)) KeySecret.MountSsh(spec, draft);
        foreach (var mount in draft.Wiring.WorkerMounts) HostList.Mount(spec, draft, mount);
        return (metadata, spec);
    }

    /// <summary>Kueue's topology-aware scheduling wants one index each: a launcher that runs ranks is 0, and workers shift by one.</summary>
    private static string IndexLabel(Draft draft, int index) =>
        (draft.Run.Launcher.RunsRanks ? index + 1 : index).ToString(CultureInfo.InvariantCulture);

    private static bool IsEmpty(JsonNode? list) => list is not JsonArray { Count: > 0 };
}
