using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>
/// A set of paths into an object, as a tree, immutable. A place can be a member of the set, lead to members below it, or both:
/// <c>{"f:labels":{".":{},"f:a":{}}}</c> holds <c>.labels</c> and <c>.labels.a</c>. Results share what did not change with
/// what they were made of.
/// </summary>
internal sealed class FieldSet : IEquatable<FieldSet>
{
    public static readonly FieldSet Empty = new([]);

    private FieldSet(ImmutableArray<Place> places) => Places = places;

    /// <summary>Sorted by their steps; none is empty.</summary>
    public ImmutableArray<Place> Places { get; }

    public bool IsEmpty => Places.IsEmpty;

    /// <summary>What stands at one step below the root of a set.</summary>
    /// <param name="IsMember">Whether the path that ends here is in the set.</param>
    /// <param name="Below">The paths that go on.</param>
    internal readonly record struct Place(FieldStep Step, bool IsMember, FieldSet Below)
    {
        public bool IsNothing => !IsMember && Below.IsEmpty;
    }

    public static FieldSet Of(params ReadOnlySpan<string[]> memberPaths)
    {
        var builder = new Builder();
        foreach (var path in memberPaths) builder.Add([.. path.Select(FieldStep.Member)]);
        return builder.ToSet();
    }

    /// <summary>From places in any order, those of nothing left out.</summary>
    public static FieldSet From(IEnumerable<Place> places)
    {
        var kept = places.Where(static p => !p.IsNothing).OrderBy(static p => p.Step).ToImmutableArray();
        return kept.IsEmpty ? Empty : new FieldSet(kept);
    }

    public Place At(FieldStep step)
    {
        var (low, high) = (0, Places.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = Places[middle].Step.CompareTo(step);
            if (order == 0) return Places[middle];
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return new Place(step, false, Empty);
    }

    public bool Has(params ReadOnlySpan<FieldStep> path)
    {
        var set = this;
        for (var i = 0; i < path.Length - 1; i++) set = set.At(path[i]).Below;
        return set.At(path[^1]).IsMember;
    }

    public FieldSet Union(FieldSet other) => IsEmpty ? other : Combine(this, other, static (a, b) => new(a.Step, a.IsMember || b.IsMember, a.Below.Union(b.Below)));

    public FieldSet Intersect(FieldSet other) =>
        IsEmpty || other.IsEmpty ? Empty : Combine(this, other, static (a, b) => new(a.Step, a.IsMember && b.IsMember, a.Below.Intersect(b.Below)));

    /// <summary>Without the paths of another set; what lies below one of them stays.</summary>
    public FieldSet Except(FieldSet other) =>
        IsEmpty || other.IsEmpty ? this : Combine(this, other, static (a, b) => new(a.Step, a.IsMember && !b.IsMember, a.Below.Except(b.Below)));

    /// <summary>Without the paths of another set and everything below them.</summary>
    public FieldSet ExceptTrees(FieldSet other) =>
        IsEmpty || other.IsEmpty ? this : Combine(this, other, static (a, b) => b.IsMember ? new(a.Step, false, Empty) : new(a.Step, a.IsMember, a.Below.ExceptTrees(b.Below)));

    /// <summary>The members of a node before those below it, each level in order: how conflicts are listed.</summary>
    public IEnumerable<ImmutableArray<FieldStep>> Paths() => Paths([]);

    private IEnumerable<ImmutableArray<FieldStep>> Paths(ImmutableArray<FieldStep> above)
    {
        foreach (var place in Places)
        {
            if (place.IsMember) yield return above.Add(place.Step);
        }

        foreach (var place in Places)
        {
            foreach (var path in place.Below.Paths(above.Add(place.Step))) yield return path;
        }
    }

    public bool Equals(FieldSet? other) => ReferenceEquals(this, other) || (other is not null && Places.SequenceEqual(other.Places));

    public override bool Equals(object? obj) => Equals(obj as FieldSet);

    public override int GetHashCode() => Places.Length == 0 ? 0 : HashCode.Combine(Places.Length, Places[0].Step, Places[^1].Step);

    private static FieldSet Combine(FieldSet left, FieldSet right, Func<Place, Place, Place> combine)
    {
        ImmutableArray<Place>.Builder? changed = null;
        var (l, r) = (0, 0);
        while (l < left.Places.Length || r < right.Places.Length)
        {
            var order = l == left.Places.Length ? 1 : r == right.Places.Length ? -1 : left.Places[l].Step.CompareTo(right.Places[r].Step);
            var a = order <= 0 ? left.Places[l] : new Place(right.Places[r].Step, false, Empty);
            var b = order >= 0 ? right.Places[r] : new Place(a.Step, false, Empty);
            var made = combine(a, b);
            var same = order <= 0 && made.IsMember == a.IsMember && ReferenceEquals(made.Below, a.Below);
            if (changed is null && !same && (order <= 0 || !made.IsNothing))
            {
                changed = ImmutableArray.CreateBuilder<Place>(left.Places.Length + 1);
                changed.AddRange(left.Places, l);
            }

            if (changed is not null && !made.IsNothing) changed.Add(made);
            if (order <= 0) l++;
            if (order >= 0) r++;
        }

        return changed is null ? left : changed.Count == 0 ? Empty : new FieldSet(changed.ToImmutable());
    }

    /// <summary>A set in the making, path by path.</summary>
    internal sealed class Builder
    {
        private readonly SortedDictionary<FieldStep, Builder> _below = [];
        private bool _isMember;

        public void Add(params ReadOnlySpan<FieldStep> path)
        {
            var node = this;
            foreach (var step in path)
            {
                if (!node._below.TryGetValue(step, out var next)) node._below.Add(step, next = new Builder());
                node = next;
            }

            node._isMember = true;
        }

        public FieldSet ToSet() => _below.Count == 0 ? Empty : new FieldSet([.. _below.Select(static b => new Place(b.Key, b.Value._isMember, b.Value.ToSet()))]);
    }
}
