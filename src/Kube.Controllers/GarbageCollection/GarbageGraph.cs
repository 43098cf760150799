using System.Collections.Immutable;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>All objects of all watched kinds and who owns whom, by UID. Each change names the objects that must be looked at again.</summary>
public sealed class GarbageGraph
{
    private readonly Dictionary<string, GarbageNode> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _dependents = new(StringComparer.Ordinal);

    // Owners that the server has said to be gone, for as long as somebody names them. A UID never comes back.
    private readonly HashSet<string> _absent = new(StringComparer.Ordinal);

    /// <summary>How many objects there are, and how many are known not to be.</summary>
    public int Count => _nodes.Count + _absent.Count;

    public bool IsAbsent(string uid) => _absent.Contains(uid);

    public void SetAbsent(string uid)
    {
        if (_dependents.ContainsKey(uid)) _absent.Add(uid);
    }

    public GarbageNode? Find(string uid) => _nodes.GetValueOrDefault(uid);

    /// <summary>Those that name the owner, in the order of their keys, so that a run is the same each time.</summary>
    public ImmutableArray<GarbageNode> DependentsOf(string uid) => _dependents.TryGetValue(uid, out var uids)
        ? [.. uids.Select(u => _nodes[u]).OrderBy(static n => n.Kind.Plural, StringComparer.Ordinal).ThenBy(static n => n.Key)]
        : [];

    /// <summary>The UIDs of those that name an owner of the kind, in whatever version.</summary>
    public ImmutableArray<string> DependentsOn(ResourceKind kind) =>
        [.. _nodes.Values.Where(n => n.Owners.Any(o => o.Kind == kind.Kind && o.Group == kind.Group)).OrderBy(static n => n.Kind.Plural, StringComparer.Ordinal).ThenBy(static n => n.Key).Select(static n => n.Uid)];

    /// <summary>Takes an object in as it is now.</summary>
    /// <returns>The UIDs to look at: the object itself, and those that its change concerns.</returns>
    public ImmutableArray<string> Set(GarbageNode node)
    {
        var before = Find(node.Uid);
        if (before is not null) Unlink(before);
        _nodes[node.Uid] = node;
        foreach (var owner in node.Owners)
        {
            if (!_dependents.TryGetValue(owner.Uid, out var dependents)) _dependents[owner.Uid] = dependents = new HashSet<string>(StringComparer.Ordinal);
            dependents.Add(node.Uid);
        }

        var concerned = ImmutableArray.CreateBuilder<string>();
        if (!node.Owners.IsEmpty || node.IsDeleting) concerned.Add(node.Uid);
        if (node.WaitsForDependents && before is not { WaitsForDependents: true }) concerned.AddRange(DependentsOf(node.Uid).Select(static d => d.Uid));
        // An owner that was given up may have waited for just this.
        if (before is not null) concerned.AddRange(WaitingOwners(before));
        return concerned.ToImmutable();
    }

    /// <summary>Takes an object out that is gone.</summary>
    /// <returns>The UIDs to look at: its dependents, and owners that waited for it.</returns>
    public ImmutableArray<string> Remove(string uid)
    {
        if (!_nodes.Remove(uid, out var gone)) return [];
        Unlink(gone);
        return [.. DependentsOf(uid).Select(static d => d.Uid), .. WaitingOwners(gone)];
    }

    private IEnumerable<string> WaitingOwners(GarbageNode node) =>
        node.Owners.Where(o => Find(o.Uid) is { } owner && (owner.WaitsForDependents || owner.OrphansDependents)).Select(static o => o.Uid);

    private void Unlink(GarbageNode node)
    {
        foreach (var owner in node.Owners)
        {
            if (!_dependents.TryGetValue(owner.Uid, out var dependents)) continue;
            dependents.Remove(node.Uid);
            if (dependents.Count > 0) continue;
            _dependents.Remove(owner.Uid);
            _absent.Remove(owner.Uid);
        }
    }
}
