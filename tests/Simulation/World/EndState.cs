using System.Collections.Frozen;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kube.Types;

namespace Simulation;

/// <summary>
/// What a world came to, as text that is equal for equal outcomes: without times, uids, addresses and what else depends on
/// the path that was taken.
/// </summary>
public static partial class EndState
{
    private static readonly FrozenSet<string> PathDependent = FrozenSet.Create(
        StringComparer.Ordinal,
        "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "observedGeneration",
        "podIP", "podIPs", "hostIP", "hostIPs", "clusterIP", "clusterIPs", "nodeName", "containerID", "imageID",
        "startTime", "completionTime", "lastTransitionTime", "lastUpdateTime", "lastProbeTime", "startedAt", "finishedAt", "lastReconcileTime",
        // Which workers were seen running last, before the end.
        "discover_hosts.sh",
        // Nor the addresses of pods that ended with nobody looking.
        "hosts",
        // What was not seen before the last write stays out.
        "timeline",
        // The name of a pod that a Job has made.
        "executor",
        // What a gang scheduler said of its group, and who repeats it.
        "podGroup",
        "launcherUid", "activeSeconds", "duration", "deletionTimestamp");

    /// <summary>The objects given, a line for each value in them.</summary>
    public static string Of(IEnumerable<KubeObject> objects)
    {
        var lines = new List<string>();
        foreach (var o in objects)
        {
            var tree = o.ToTree();
            if (o.Kind == "PodGroup") tree.Remove("status");
            Flatten($"{o.Kind} {o.Meta.Namespace}/{Name(o)}: ", tree, lines);
        }

        return string.Join("\n", lines.Order(StringComparer.Ordinal));
    }

    private static string Name(KubeObject o) => o.Meta.GenerateName.Length > 0 ? o.Meta.GenerateName + "*" : o.Meta.Name;

    private static void Flatten(string path, JsonNode? node, List<string> lines)
    {
        switch (node)
        {
            case JsonObject map:
                foreach (var (key, value) in map)
                {
                    if (PathDependent.Contains(key) || key.EndsWith("-uid", StringComparison.Ordinal) || (key == "name" && map.ContainsKey("generateName"))) continue;
                    Flatten($"{path}.{key}", value, lines);
                }

                break;
            case JsonArray conditions when path.EndsWith(".conditions", StringComparison.Ordinal):
                foreach (var condition in conditions.OfType<JsonObject>())
                {
                    // Whether a job was ever seen to run or to wait depends on when one looked: of these only what holds at last counts.
                    var (type, status) = (condition["type"]?.GetValue<string>() ?? "", condition["status"]?.GetValue<string>());
                    if (type is not ("Running" or "Blocked") || status == "True") Flatten($"{path}[{type}]", condition, lines);
                }

                break;
            case JsonArray items:
                for (var i = 0; i < items.Count; i++) Flatten($"{path}[{i}]", items[i], lines);
                break;
            default:
                lines.Add($"{path} = {ReachedAt().Replace(Uid().Replace(node?.ToJsonString() ?? "null", "UID"), "REACHED")}");
                break;
        }
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uid();

    // When which worker was proven, in a gate's report.
    [GeneratedRegex(@"\\u0022workers\\u0022:\[[^\]]*\]")]
    private static partial Regex ReachedAt();
}
