using System.Collections.Immutable;
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
        foreach (var map in draft.Wiring.Files.GroupBy(file => file.Map ?? draft.Scene.Profile.ConfigMap)) Ensure(draft, map.Key, [.. map]);
    }

    private static void Ensure(Draft draft, string name, ImmutableArray<ConfigFile> files)
    {
        var scene = draft.Scene;
        var data = Data(draft, files);
        if (scene.Seen.ConfigMaps.GetValueOrDefault(name) is not { } present)
        {
            var manifest = ChildManifest.Of(scene.Profile, Kinds.ConfigMap, name);
            manifest["data"] = data.ToTree();
            draft.Do(new PlanAction.Create(Kinds.ConfigMap, manifest));
        }
        // Addresses that stand from an attempt before are the best there are until all pods have new ones.
        else if (present.Digest != ConfigMapView.DigestOf(data) && !(files.Any(static f => f.Content is ConfigContent.Addresses) && Addresses(draft).Length == 0))
        {
            draft.Do(new PlanAction.Patch(Kinds.ConfigMap, scene.Key(name), ChildManifest.Patch(present.Meta, "data", ChildManifest.MapPatch(present.Keys, data))));
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
                ["name"] = mount.Map ?? draft.Scene.Profile.ConfigMap,
                ["items"] = new JsonArray([.. mount.Files.Select(static f => (JsonNode)new JsonObject { ["key"] = f.Key, ["path"] = f.Key, ["mode"] = f.Mode })]),
            },
        });
        var place = new JsonObject { ["name"] = mount.Volume, ["mountPath"] = mount.Path };
        if (mount.ReadOnly) place["readOnly"] = true;
        PodTemplate.ContainerZero(podSpec).Array("volumeMounts").Add((JsonNode)place);
    }

    private static KeyValuePair<string, string>[] Data(Draft draft, ImmutableArray<ConfigFile> files)
    {
        var (run, profile, domain) = (draft.Run, draft.Scene.Profile, draft.Scene.Options.ClusterDomain);
        var notice = GateNotice.Due(draft) ? draft.Wiring.NoticeFile : null;
        return [.. files.Select(file => KeyValuePair.Create(file.Key, Content(file) + (file == notice ? AgentContract.AllWorkersRunNotice + "\n" : "")))];

        string Content(ConfigFile file) => file.Content switch
        {
            ConfigContent.Hosts => Hostfile(run, profile, domain, draft.Members),
            ConfigContent.ProposedHosts => Hostfile(run, profile, domain, Enumerable.Range(0, run.Workers.Count)),
            ConfigContent.DiscoveryScript script => DiscoveryScript(run, profile, domain, DiscoverableWorkers(draft), script.WithSlots),
            ConfigContent.Launcher => profile.Host(profile.LauncherHost, domain),
            ConfigContent.Addresses => Addresses(draft),
            ConfigContent.Text text => text.Value,
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>
    /// All desired workers whatever their state (but for those left out), the launcher before them when it runs ranks: <c>host slots=n</c>, or for
    /// Hydra <c>host:n</c>; a bare name is a host of one rank.
    /// </summary>
    private static string Hostfile(MpiRun run, RunProfile profile, string clusterDomain, IEnumerable<int> workers)
    {
        var slots = run.Workers.Slots.ToString(CultureInfo.InvariantCulture);
        var suffix = run.Workers.Form == WorkerForm.JobIndexes ? "\n" : run.Mpi == MpiImplementation.OpenMpi ? $" slots={slots}\n" : $":{slots}\n";
        var text = new StringBuilder();
        foreach (var host in Hosts(run, profile, workers)) text.Append(profile.Host(host, clusterDomain)).Append(suffix);
        return text.ToString();
    }

    private static IEnumerable<string> Hosts(MpiRun run, RunProfile profile, IEnumerable<int> workers) =>
        [.. run.Launcher.RunsRanks ? [profile.LauncherHost] : (string[])[], .. workers.Select(profile.Worker)];

    /// <summary>As in <c>/etc/hosts</c>; none while a pod is missing, has no address or, being a worker, does not run.</summary>
    private static string Addresses(Draft draft)
    {
        var scene = draft.Scene;
        var pods = Enumerable.Range(0, draft.Run.Workers.Count).Select(scene.Worker).Prepend(scene.LauncherPods.LastOrDefault()).ToList();
        if (pods.Any(static pod => pod is not { Address.Length: > 0, Meta.Deleting: false }) || pods.Skip(1).Any(static pod => pod!.Phase != PodPhase.Running)) return "";
        return string.Concat(pods.Zip(Hosts(draft.Run, scene.Profile, Enumerable.Range(0, draft.Run.Workers.Count)), static (pod, host) => $"{pod!.Address} {host}\n"));
    }

    /// <summary>One <c>echo host</c> a line; pods ordered by name as text, so <c>-10</c> stands before <c>-2</c>, as it always did.</summary>
    private static string DiscoveryScript(MpiRun run, RunProfile profile, string clusterDomain, IEnumerable<string> pods, bool withSlots)
    {
        var end = withSlots ? string.Create(CultureInfo.InvariantCulture, $":{run.Workers.Slots}\n") : "\n";
        var text = new StringBuilder("#!/bin/sh\n");
        if (run.Launcher.RunsRanks) text.Append("echo ").Append(profile.Host(profile.LauncherHost, clusterDomain)).Append(end);
        foreach (var pod in pods.Order(StringComparer.Ordinal)) text.Append("echo ").Append(profile.Host(pod, clusterDomain)).Append(end);
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
