using System.Collections.Immutable;

namespace Kube.Controllers;

/// <summary>
/// How many entries the controllers keep for objects, by what keeps them. What is kept for an object goes with it, so that a cluster that
/// has run for long is no larger than one that was just begun: the counts show whether that holds.
/// </summary>
public sealed class RememberedObjects
{
    private readonly List<(string What, Func<int> Entries)> _parts = [];

    /// <summary>Called while the controllers are put together, before anything runs.</summary>
    /// <param name="entries">Asked from any thread.</param>
    internal void Add(string what, Func<int> entries) => _parts.Add((what, entries));

    /// <summary>The entries of each part that has any.</summary>
    public ImmutableSortedDictionary<string, int> Counts => _parts
        .GroupBy(static p => p.What, static p => p.Entries(), StringComparer.Ordinal)
        .Select(static g => KeyValuePair.Create(g.Key, g.Sum()))
        .Where(static c => c.Value > 0)
        .ToImmutableSortedDictionary(StringComparer.Ordinal);
}
