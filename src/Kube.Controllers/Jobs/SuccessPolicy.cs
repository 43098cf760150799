using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Controllers;

/// <summary><c>spec.successPolicy</c> of an Indexed Job: it has succeeded as soon as one of the rules holds.</summary>
public sealed class SuccessPolicy
{
    private readonly ImmutableArray<(IndexSet? Indexes, int? Count)> _rules;

    private SuccessPolicy(ImmutableArray<(IndexSet?, int?)> rules) => _rules = rules;

    public static SuccessPolicy None { get; } = new([]);

    public static SuccessPolicy Read(JsonElement policy) => new(
    [
        .. policy.Items("rules").Select(static r => (r.Text("succeededIndexes") is { } text ? IndexSet.Parse(text) : null, (int?)r.Integer("succeededCount"))),
    ]);

    /// <summary>The number of the first rule that holds; null when none does.</summary>
    public int? Match(IndexSet succeeded)
    {
        for (var i = 0; i < _rules.Length; i++)
        {
            var (indexes, count) = _rules[i];
            var hits = indexes is null ? succeeded.Count : succeeded.CountIn(indexes);
            if (hits >= (count ?? indexes?.Count ?? int.MaxValue)) return i;
        }

        return null;
    }
}
