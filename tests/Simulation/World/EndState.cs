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
        "launcherUid", "activeSeconds", "deletionTimestamp");

    /// <summary>The objects given, by kind and name.</summary>
    public static string Of(IEnumerable<KubeObject> objects) => string.Join(
        "\n",
        objects
            .Select(static o => (Title: $"{o.Kind} {o.Meta.Namespace}/{Name(o)}", Body: Scrub(o.ToTree())!.ToJsonString()))
            .Select(static o => $"{o.Title} {o.Body}")
            .Order(StringComparer.Ordinal));

    private static string Name(KubeObject o) => o.Meta.GenerateName.Length > 0 ? o.Meta.GenerateName + "*" : o.Meta.Name;

    private static JsonNode? Scrub(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject map:
                var kept = new JsonObject();
                if (map.ContainsKey("generateName")) map.Remove("name");
                foreach (var (key, value) in map.OrderBy(static m => m.Key, StringComparer.Ordinal))
                {
                    if (!PathDependent.Contains(key) && !key.EndsWith("-uid", StringComparison.Ordinal)) kept[key] = Scrub(value);
                }

                return kept;
            case JsonArray items:
                return new JsonArray([.. items.Select(Scrub)]);
            case JsonValue value when value.TryGetValue<string>(out var text):
                return JsonValue.Create(Uid().Replace(text, "UID"));
            default:
                return node?.DeepClone();
        }
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uid();
}
