using System.Collections.Immutable;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What is served at this moment. Replaced as a whole when a CustomResourceDefinition comes or goes.</summary>
internal sealed class ResourceRegistry
{
    private volatile ImmutableDictionary<(string Group, string Version, string Plural), ServedResource> _served =
        ImmutableDictionary<(string, string, string), ServedResource>.Empty;

    /// <summary>Everything served, in the order of discovery: the core group first, then by name.</summary>
    public IEnumerable<ServedResource> All => _served.Values
        .OrderBy(static r => r.Kind.Group, StringComparer.Ordinal)
        .ThenBy(static r => r.Kind.Version, KubeVersionOrder.Instance)
        .ThenBy(static r => r.Kind.Plural, StringComparer.Ordinal);

    /// <summary>What is served, as one value: another after each change.</summary>
    public object Served => _served;

    public ServedResource? Find(string group, string version, string plural) => _served.GetValueOrDefault((group, version, plural));

    public bool HasGroup(string group) => _served.Keys.Any(k => k.Group == group);

    /// <summary>Whether a version of a group is built in: it answers for resources that it does not have, too.</summary>
    public bool IsBuiltIn(string group, string version) => _served.Any(r => r.Key.Group == group && r.Key.Version == version && r.Value.Strategy is not CustomResourceKind);

    /// <summary>Replaces what is served under a group and plural, all versions; callers are serialised by the caller.</summary>
    public void Set(string group, string plural, IEnumerable<ServedResource> versions)
    {
        var next = _served.RemoveRange(_served.Keys.Where(k => k.Group == group && k.Plural == plural));
        _served = next.AddRange(versions.Select(static r => KeyValuePair.Create((r.Kind.Group, r.Kind.Version, r.Kind.Plural), r)));
    }
}

/// <summary>Kubernetes' order of versions, best first: <c>v2, v1, v1beta2, v1beta1, v1alpha1</c>, then anything else by name.</summary>
internal sealed class KubeVersionOrder : IComparer<string>
{
    public static readonly KubeVersionOrder Instance = new();

    public int Compare(string? x, string? y)
    {
        var (a, b) = (Rank(x!), Rank(y!));
        var byRank = b.CompareTo(a);
        return byRank != 0 ? byRank : string.CompareOrdinal(x, y);
    }

    private static (int Stability, int Major, int Minor) Rank(string version)
    {
        var rest = version.AsSpan();
        if (rest.Length < 2 || rest[0] != 'v') return default;
        rest = rest[1..];
        var digits = rest.IndexOfAnyExceptInRange('0', '9');
        if (digits < 0) return int.TryParse(rest, out var stable) ? (3, stable, 0) : default;
        if (!int.TryParse(rest[..digits], out var major)) return default;
        rest = rest[digits..];
        var stability = rest.StartsWith("beta") ? 2 : rest.StartsWith("alpha") ? 1 : 0;
        var tail = rest[(stability == 2 ? 4 : stability == 1 ? 5 : 0)..];
        return stability > 0 && int.TryParse(tail, out var minor) ? (stability, major, minor) : default;
    }
}
