using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>The ConfigMap with the hostfile and Horovod's discovery script (spec 2.3).</summary>
internal static class HostList
{
    private const string HostfileKey = "hostfile";
    private const string DiscoveryKey = "discover_hosts.sh";

    private static readonly KeyValuePair<string, string>[] ExecShell =
        [new(AgentContract.ExecShellFileName, $"#!{AgentContract.MountPath}/{AgentContract.FileName} {AgentContract.ExecShellRole}\n")];

    public static void Ensure(Draft draft)
    {
        var scene = draft.Scene;
        var data = Data(draft.Run, scene.Profile, scene.Options.ClusterDomain, DiscoverableWorkers(draft), GateNotice.Due(draft));
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

    public static KeyValuePair<string, string>[] Data(MpiRun run, RunProfile profile, string clusterDomain, IEnumerable<string> discoverable, bool allRunNotice) =>
    [
        new(HostfileKey, Hostfile(run, profile, clusterDomain)),
        new(DiscoveryKey, DiscoveryScript(run, profile, clusterDomain, discoverable) + (allRunNotice ? AgentContract.AllWorkersRunNotice + "\n" : "")),
        .. run.Transport.Kind == Transport.Exec ? ExecShell : [],
    ];

    /// <summary>
    /// Open MPI's daemons end at once where the program that their launcher started them with is not in their own image too, though
    /// they never call it. So workers see its script, and none of what is behind it.
    /// </summary>
    public static void MountExecShell(JsonObject podSpec, Draft draft)
    {
        podSpec.Array("volumes").Add((JsonNode)new JsonObject
        {
            ["name"] = PlanningNames.AgentVolume,
            ["configMap"] = new JsonObject
            {
                ["name"] = draft.Scene.Profile.ConfigMap,
                ["items"] = new JsonArray((JsonNode)new JsonObject { ["key"] = AgentContract.ExecShellFileName, ["path"] = AgentContract.ExecShellFileName, ["mode"] = 0x16D /* 0555 */ }),
            },
        });
        PodTemplate.ContainerZero(podSpec).Array("volumeMounts").Add(AgentVolume.Mount(readOnly: true));
    }

    /// <summary>All desired workers whatever their state, the launcher before them when it runs ranks: <c>host slots=n</c>, or <c>host:n</c> for Hydra.</summary>
    public static string Hostfile(MpiRun run, RunProfile profile, string clusterDomain)
    {
        var slots = run.Workers.Slots.ToString(CultureInfo.InvariantCulture);
        var suffix = run.Mpi == MpiImplementation.OpenMpi ? $" slots={slots}\n" : $":{slots}\n";
        var text = new StringBuilder();
        if (run.Launcher.RunsRanks) text.Append(profile.Host(profile.Launcher, clusterDomain)).Append(suffix);
        for (var index = 0; index < run.Workers.Count; index++) text.Append(profile.Host(profile.Worker(index), clusterDomain)).Append(suffix);
        return text.ToString();
    }

    /// <summary>One <c>echo host</c> a line; pods ordered by name as text, so <c>-10</c> stands before <c>-2</c>, as it always did.</summary>
    public static string DiscoveryScript(MpiRun run, RunProfile profile, string clusterDomain, IEnumerable<string> pods)
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
        if (Gate.Applies(draft) && !scene.LauncherStarted) return Enumerable.Range(0, draft.Run.Workers.Count).Select(scene.Profile.Worker);
        return scene.Workers.Where(static w => w.Phase == PodPhase.Running).Select(static w => w.Meta.Name);
    }
}
