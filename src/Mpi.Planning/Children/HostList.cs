using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>The ConfigMap with the hostfile and what else the dialect promises beside it, such as Horovod's discovery script (spec 2.3).</summary>
internal static class HostList
{
    public static void Ensure(Draft draft)
    {
        var scene = draft.Scene;
        var data = Data(draft);
        if (scene.Seen.ConfigMap is not { } present)
        {
            var manifest = ChildManifest.Of(scene.Profile, Kinds.ConfigMap, scene.Profile.ConfigMap);
            manifest["data"] = data.ToTree();
            draft.Do(new PlanAction.Create(Kinds.ConfigMap, manifest));
        }
        else if (present.Digest != ConfigMapView.DigestOf(data))
        {
            draft.Do(new PlanAction.Patch(
                Kinds.ConfigMap, scene.Key(scene.Profile.ConfigMap), ChildManifest.Patch(present.Meta, "data", ChildManifest.MapPatch(present.Keys, data))));
        }
    }

    /// <summary>Makes files of the map a volume, and mounts it in container 0.</summary>
    public static void Mount(JsonObject podSpec, Draft draft, ConfigMount mount)
    {
        podSpec.Array("volumes").Add((JsonNode)new JsonObject
        {
            ["name"] = mount.Volume,
            ["configMap"] = new JsonObject
            {
                ["name"] = draft.Scene.Profile.ConfigMap,
                ["items"] = new JsonArray([.. mount.Files.Select(static f => (JsonNode)new JsonObject { ["key"] = f.Key, ["path"] = f.Key, ["mode"] = f.Mode })]),
            },
        });
        var place = new JsonObject { ["name"] = mount.Volume, ["mountPath"] = mount.Path };
        if (mount.ReadOnly) place["readOnly"] = true;
        PodTemplate.ContainerZero(podSpec).Array("volumeMounts").Add((JsonNode)place);
    }

    private static KeyValuePair<string, string>[] Data(Draft draft)
    {
        var (run, profile, domain) = (draft.Run, draft.Scene.Profile, draft.Scene.Options.ClusterDomain);
        var notice = GateNotice.Due(draft) ? draft.Wiring.NoticeFile : null;
        return [.. draft.Wiring.Files.Select(file => KeyValuePair.Create(file.Key, Content(file) + (file == notice ? AgentContract.AllWorkersRunNotice + "\n" : "")))];

        string Content(ConfigFile file) => file.Content switch
        {
            ConfigContent.Hosts => Hostfile(run, profile, domain, draft.Members),
            ConfigContent.ProposedHosts => Hostfile(run, profile, domain, Enumerable.Range(0, run.Workers.Count)),
            ConfigContent.DiscoveryScript => DiscoveryScript(run, profile, domain, DiscoverableWorkers(draft)),
            ConfigContent.Text text => text.Value,
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>All desired workers whatever their state (but for those left out), the launcher before them when it runs ranks: <c>host slots=n</c>, or <c>host:n</c> for Hydra.</summary>
    private static string Hostfile(MpiRun run, RunProfile profile, string clusterDomain, IEnumerable<int> workers)
    {
        var slots = run.Workers.Slots.ToString(CultureInfo.InvariantCulture);
        var suffix = run.Mpi == MpiImplementation.OpenMpi ? $" slots={slots}\n" : $":{slots}\n";
        var text = new StringBuilder();
        if (run.Launcher.RunsRanks) text.Append(profile.Host(profile.Launcher, clusterDomain)).Append(suffix);
        foreach (var index in workers) text.Append(profile.Host(profile.Worker(index), clusterDomain)).Append(suffix);
        return text.ToString();
    }

    /// <summary>One <c>echo host</c> a line; pods ordered by name as text, so <c>-10</c> stands before <c>-2</c>, as it always did.</summary>
    private static string DiscoveryScript(MpiRun run, RunProfile profile, string clusterDomain, IEnumerable<string> pods)
    {
        var text = new StringBuilder("#!/bin/sh\n");
        if (run.Launcher.RunsRanks) text.Append("echo ").Append(profile.Host(profile.Launcher, clusterDomain)).Append('\n');
        foreach (var pod in pods.Order(StringComparer.Ordinal)) text.Append("echo ").Append(profile.Host(pod, clusterDomain)).Append('\n');
        return text.ToString();
    }

    /// <summary>
    /// The running workers; but behind a gate, until the launcher's command starts, all desired ones: nobody reads the script
    /// before, and then they do run. So the map is written once and not again for every worker that comes up.
    /// </summary>
    private static IEnumerable<string> DiscoverableWorkers(Draft draft)
    {
        var scene = draft.Scene;
        if (Gate.Applies(draft) && !scene.LauncherStarted) return draft.Members.Select(scene.Profile.Worker);
        return scene.Workers.Where(static w => w.Phase == PodPhase.Running).Select(static w => w.Meta.Name);
    }
}
