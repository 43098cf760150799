using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>The pods of a StatefulSet and their volume claims: names, labels and shape, as the API documents them for <c>apps/v1</c>.</summary>
internal static class StatefulPods
{
    public const string RevisionLabel = "controller-revision-hash";
    private const string NameLabel = "statefulset.kubernetes.io/pod-name";
    private const string IndexLabel = "apps.kubernetes.io/pod-index";

    public static string NameOf(StatefulSetView set, int ordinal) => $"{set.Meta.Name}-{ordinal}";

    /// <summary>The ordinal that a pod's name says; null for a name of another form.</summary>
    public static int? OrdinalOf(StatefulSetView set, string pod)
    {
        if (pod.Length <= set.Meta.Name.Length + 1 || !pod.StartsWith(set.Meta.Name, StringComparison.Ordinal) || pod[set.Meta.Name.Length] != '-') return null;
        var digits = pod.AsSpan(set.Meta.Name.Length + 1);
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal) && (digits.Length == 1 || digits[0] != '0') ? ordinal : null;
    }

    public static string RevisionOf(PodView pod) => pod.Meta.Labels.GetValueOrDefault(RevisionLabel, "");

    public static JsonObject Build(StatefulSetView set, int ordinal, JsonElement template, string revision)
    {
        var (meta, spec) = PodTemplate.Open(template, set.Object, Kinds.StatefulSet);
        var name = NameOf(set, ordinal);
        meta["name"] = name;
        meta["generateName"] = $"{set.Meta.Name}-";
        var labels = meta.Object("labels");
        labels[RevisionLabel] = revision;
        labels[NameLabel] = name;
        labels[IndexLabel] = $"{ordinal}";
        // Its name within the set's headless Service: <name>.<service>.
        spec["hostname"] = name;
        if (set.ServiceName.Length > 0) spec["subdomain"] = set.ServiceName;
        if (!set.ClaimTemplates.IsEmpty) MountClaims(set, ordinal, spec.Array("volumes"));
        return PodTemplate.Close(meta, spec);
    }

    /// <summary>A claim template takes the place of a volume of its name.</summary>
    private static void MountClaims(StatefulSetView set, int ordinal, JsonArray volumes)
    {
        foreach (var template in set.ClaimTemplates)
        {
            var name = ClaimTemplateName(template);
            foreach (var replaced in volumes.Where(v => v?["name"]?.GetValue<string>() == name).ToList()) volumes.Remove(replaced);
        }

        foreach (var template in set.ClaimTemplates)
        {
            volumes.Add((JsonNode)new JsonObject
            {
                ["name"] = ClaimTemplateName(template),
                ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = ClaimName(set, template, ordinal) },
            });
        }
    }

    public static ImmutableArray<(string Name, JsonElement Template)> Claims(StatefulSetView set, int ordinal) =>
        [.. set.ClaimTemplates.Select(t => (ClaimName(set, t, ordinal), t))];

    public static JsonObject BuildClaim(StatefulSetView set, string name, JsonElement template)
    {
        var tree = template.ToTree() as JsonObject ?? [];
        var meta = tree.Object("metadata");
        meta["name"] = name;
        meta["namespace"] = set.Meta.Namespace;
        var labels = meta.Object("labels");
        foreach (var (key, value) in set.Object.Root.TextMap("spec", "selector", "matchLabels").OrderBy(static l => l.Key, StringComparer.Ordinal)) labels[key] = value;
        return new JsonObject { ["apiVersion"] = "v1", ["kind"] = "PersistentVolumeClaim", ["metadata"] = meta.DeepClone(), ["spec"] = tree.Object("spec").DeepClone() };
    }

    private static string ClaimTemplateName(JsonElement template) => template.Text("metadata", "name") ?? "";

    private static string ClaimName(StatefulSetView set, JsonElement template, int ordinal) => $"{ClaimTemplateName(template)}-{set.Meta.Name}-{ordinal}";
}
