using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>Worker pod i (spec 2.5).</summary>
internal static class WorkerPod
{
    public static JsonObject Manifest(Draft draft, int index)
    {
        var profile = draft.Scene.Profile;
        var options = draft.Scene.Options;
        var template = draft.Run.Workers.Template;
        var name = profile.Worker(index);
        var metadata = PodTemplate.Metadata(template, draft, [.. profile.WorkerLabels, new(profile.IndexLabel, IndexLabel(draft, index))]);
        metadata.Insert(0, "name", name);
        metadata.Insert(1, "namespace", profile.Job.Namespace);

        var spec = PodTemplate.Spec(template);
        GangGroup.Mark(draft, metadata, spec);
        PodTemplate.Name(spec, name, profile);
        // Hydra's proxies call the launcher back by its bare host name.
        var domain = options.Strict || options.ClusterDomain.Length == 0 ? "cluster.local" : options.ClusterDomain;
        spec.Object("dnsConfig").Array("searches").Add((JsonNode)$"{profile.Service}.{profile.Job.Namespace}.svc.{domain}");
        spec["restartPolicy"] = draft.Run.Workers.RestartPolicy;

        var container = PodTemplate.ContainerZero(spec);
        if (IsEmpty(container["command"]) && IsEmpty(container["args"])) container["command"] = draft.Wiring.WorkerCommand.ToTree();
        PodTemplate.AddEnv(container, draft.Wiring.WorkerEnv, options.Strict);
        PodTemplate.KeepLastWords(container, options.Strict);
        if (draft.Uses(Transport.Agent)) AgentPods.MakeWorker(spec, draft, name);
        else if (draft.Uses(Transport.Exec)) HostList.MountExecShell(spec, draft);
        else KeySecret.MountSsh(spec, draft);
        return new JsonObject { ["apiVersion"] = Kinds.Pod.ApiVersion, ["kind"] = Kinds.Pod.Kind, ["metadata"] = metadata, ["spec"] = spec };
    }

    /// <summary>Kueue's topology-aware scheduling wants one index each: a launcher that runs ranks is 0, and workers shift by one.</summary>
    private static string IndexLabel(Draft draft, int index) =>
        (draft.Run.Launcher.RunsRanks ? index + 1 : index).ToString(CultureInfo.InvariantCulture);

    private static bool IsEmpty(JsonNode? list) => list is not JsonArray { Count: > 0 };
}
