using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Amounts by resource name in thousandths, <c>pods</c> among them. A handful each, so a list is searched faster than a tree; and
/// whole numbers, because a scheduler adds and compares them for each node and each pod.
/// </summary>
public sealed class ResourceAmounts
{
    private readonly ImmutableArray<(string Resource, long Milli)> _amounts;

    private ResourceAmounts(ImmutableArray<(string, long)> amounts) => _amounts = amounts;

    public static ResourceAmounts None { get; } = new([]);

    public bool IsNone => _amounts.IsEmpty;

    public static ResourceAmounts Read(JsonElement list)
    {
        var amounts = None;
        foreach (var entry in list.Members())
        {
            if (Quantity.Read(entry.Value) is { } amount) amounts = amounts.With(entry.Name, amount.MilliUnits);
        }

        return amounts;
    }

    /// <summary>Thousandths of the resource; 0 when it is not named.</summary>
    public long this[string resource]
    {
        get
        {
            foreach (var entry in _amounts)
            {
                if (entry.Resource == resource) return entry.Milli;
            }

            return 0;
        }
    }

    public ImmutableArray<(string Resource, long Milli)>.Enumerator GetEnumerator() => _amounts.GetEnumerator();

    public ResourceAmounts With(string resource, long milli)
    {
        for (var i = 0; i < _amounts.Length; i++)
        {
            if (_amounts[i].Resource == resource) return new(_amounts.SetItem(i, (resource, milli)));
        }

        return new(_amounts.Add((resource, milli)));
    }

    public ResourceAmounts Plus(ResourceAmounts other) => Combine(other, static (a, b) => a + b);

    public ResourceAmounts Minus(ResourceAmounts other) => Combine(other, static (a, b) => a - b);

    /// <summary>The larger amount of each resource.</summary>
    public ResourceAmounts Max(ResourceAmounts other) => Combine(other, Math.Max);

    private ResourceAmounts Combine(ResourceAmounts other, Func<long, long, long> combine)
    {
        if (other.IsNone) return this;
        var amounts = _amounts.ToBuilder();
        foreach (var (resource, milli) in other)
        {
            var at = 0;
            while (at < amounts.Count && amounts[at].Resource != resource) at++;
            if (at < amounts.Count) amounts[at] = (resource, combine(amounts[at].Milli, milli));
            else amounts.Add((resource, combine(0, milli)));
        }

        return new(amounts.ToImmutable());
    }

    public override string ToString() => string.Join(",", _amounts.Select(static a => $"{a.Resource}={a.Milli}m"));
}
