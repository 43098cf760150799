using System.Collections.Immutable;

namespace Kube.Controllers;

/// <summary>A set of completion indexes as <c>status.completedIndexes</c> writes it: <c>0-2,5,7-8</c>.</summary>
public sealed class IndexSet
{
    private readonly ImmutableSortedSet<int> _indexes;

    private IndexSet(ImmutableSortedSet<int> indexes) => _indexes = indexes;

    public static IndexSet Empty { get; } = new(ImmutableSortedSet<int>.Empty);

    public int Count => _indexes.Count;

    public bool Contains(int index) => _indexes.Contains(index);

    /// <summary>How many of these are in the other set too.</summary>
    public int CountIn(IndexSet other) => _indexes.Count(other.Contains);

    /// <summary>Without the indexes from the given one on: what an Indexed Job keeps that was scaled down.</summary>
    public IndexSet Below(int end) => _indexes.IsEmpty || _indexes.Max < end ? this : new IndexSet([.. _indexes.Where(i => i < end)]);

    public IndexSet Add(IEnumerable<int> indexes)
    {
        var union = _indexes.Union(indexes);
        return union.Count == _indexes.Count ? this : new IndexSet(union);
    }

    /// <summary>Parts that are no indexes are left out: the text is this controller's own, unless somebody edited it.</summary>
    public static IndexSet Parse(string text)
    {
        var indexes = ImmutableSortedSet.CreateBuilder<int>();
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = part.Split('-');
            if (!int.TryParse(ends[0], out var first) || !int.TryParse(ends[^1], out var last) || last - first > 1_000_000) continue;
            for (var index = first; index <= last; index++) indexes.Add(index);
        }

        return indexes.Count == 0 ? Empty : new IndexSet(indexes.ToImmutable());
    }

    public override string ToString()
    {
        var parts = new List<string>();
        for (var i = 0; i < _indexes.Count;)
        {
            var end = i;
            while (end + 1 < _indexes.Count && _indexes[end + 1] == _indexes[end] + 1) end++;
            parts.Add(end == i ? $"{_indexes[i]}" : end == i + 1 ? $"{_indexes[i]},{_indexes[end]}" : $"{_indexes[i]}-{_indexes[end]}");
            i = end + 1;
        }

        return string.Join(",", parts);
    }
}
