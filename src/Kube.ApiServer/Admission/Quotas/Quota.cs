using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>A ResourceQuota as it stands in the store: what it allows, what is used, and which objects it is about.</summary>
internal sealed class Quota
{
    private static readonly string[] Requirable = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
    private readonly ImmutableArray<ScopeTerm> _scopes;

    public Quota(StoredObject stored)
    {
        Stored = stored;
        Tree = JsonTree.Read(stored.Utf8);
        Hard = Amounts.Read(Tree.At("spec", "hard"));
        Used = Amounts.Read(Tree.At("status", "used"));
        _scopes =
        [
            .. Tree.Texts("spec", "scopes").Select(static s => new ScopeTerm(s, "Exists", [])),
            .. Tree.Objects("spec", "scopeSelector", "matchExpressions")
                .Select(static e => new ScopeTerm(e.Item.Text("scopeName") ?? "", e.Item.Text("operator") ?? "Exists", [.. e.Item.Texts("values")])),
        ];
    }

    public StoredObject Stored { get; }
    public JsonObject Tree { get; }
    public string Name => Stored.Key.Name;
    public Amounts Hard { get; }
    public Amounts Used { get; }

    /// <summary>Whether an object counts here. Scopes are about pods (one of them about claims): other kinds count in quotas without scopes only.</summary>
    public bool Covers(ResourceKind kind, JsonObject obj) =>
        _scopes.IsEmpty || (kind == Kinds.Pod && _scopes.All(s => s.MatchesPod(obj))) || (kind == Kinds.PersistentVolumeClaim && _scopes.All(s => s.MatchesClaim(obj)));

    /// <summary>
    /// Who limits cpu or memory makes everybody say how much they take: what containers leave out, in the words of the refusal;
    /// null when nothing is missing.
    /// </summary>
    public string? MissingFrom(ResourceKind kind, JsonObject obj)
    {
        if (kind != Kinds.Pod) return null;
        var missing = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (var name in Requirable.Where(Hard.ContainsKey))
        {
            var (side, resource) = name.Split('.') is [var prefix, var rest] ? (prefix, rest) : ("requests", name);
            foreach (var (_, container) in obj.Objects("spec", "containers").Concat(obj.Objects("spec", "initContainers")))
            {
                if (container.At("resources", side, resource) is not null) continue;
                if (!missing.TryGetValue(name, out var containers)) missing[name] = containers = new SortedSet<string>(StringComparer.Ordinal);
                containers.Add(container.Text("name") ?? "");
            }
        }

        return missing.Count == 0 ? null : $"must specify {string.Join("; ", missing.Select(static m => $"{m.Key} for: {string.Join(',', m.Value)}"))}";
    }

    private sealed record ScopeTerm(string Scope, string Operator, ImmutableArray<string> Values)
    {
        public bool MatchesPod(JsonObject pod) => Scope switch
        {
            "Terminating" => HasDeadline(pod),
            "NotTerminating" => !HasDeadline(pod),
            "BestEffort" => PodQuality.Class(pod) == "BestEffort",
            "NotBestEffort" => PodQuality.Class(pod) != "BestEffort",
            "PriorityClass" => Matches(pod.Text("spec", "priorityClassName") ?? ""),
            "CrossNamespacePodAffinity" => CrossesNamespaces(pod),
            _ => false,
        };

        public bool MatchesClaim(JsonObject claim) => Scope == "VolumeAttributesClass" && Matches(claim.Text("spec", "volumeAttributesClassName") ?? "");

        private bool Matches(string value) => Operator switch
        {
            "In" => Values.Contains(value),
            "NotIn" => !Values.Contains(value),
            "DoesNotExist" => value.Length == 0,
            _ => value.Length > 0,
        };

        private static bool HasDeadline(JsonObject pod) => pod.Integer("spec", "activeDeadlineSeconds") >= 0;

        private static bool CrossesNamespaces(JsonObject pod)
        {
            foreach (var side in new[] { "podAffinity", "podAntiAffinity" })
            {
                var affinity = pod.At("spec", "affinity", side);
                var terms = affinity.Objects("requiredDuringSchedulingIgnoredDuringExecution").Select(static t => (JsonNode?)t.Item)
                    .Concat(affinity.Objects("preferredDuringSchedulingIgnoredDuringExecution").Select(static t => t.Item["podAffinityTerm"]));
                if (terms.Any(static t => t.Texts("namespaces").Any() || t?["namespaceSelector"] is not null)) return true;
            }

            return false;
        }
    }
}
