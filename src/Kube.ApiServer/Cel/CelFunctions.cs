using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>One overload of a function: what it takes, what it gives, and how.</summary>
/// <param name="IsMember">Called as <c>a.f(b)</c>: the first parameter stands before the dot.</param>
internal sealed record CelOverload(string Function, bool IsMember, ImmutableArray<CelType> Takes, CelType Gives, Func<ImmutableArray<CelValue>, CelValue> Run)
{
    /// <summary>Of an argument, how much work the call is in proportion to: the length of what it goes through.</summary>
    public bool Accepts(ReadOnlySpan<CelType> types, Dictionary<string, CelType> bound)
    {
        if (types.Length != Takes.Length) return false;
        for (var i = 0; i < types.Length; i++)
        {
            if (!types[i].Fits(Takes[i], bound)) return false;
        }

        return true;
    }
}

/// <summary>
/// The functions that rules may call: those of the language's standard, and of Kubernetes' extensions the ones for strings,
/// lists, sets, regular expressions and quantities. The table serves the checker and the evaluator alike.
/// </summary>
internal static class CelFunctions
{
    private static readonly FrozenDictionary<(string Function, bool IsMember), ImmutableArray<CelOverload>> All =
        CelOperators.All.Concat(CelConversions.All).Concat(CelTexts.All).Concat(CelLists.All).Concat(CelTimes.All).Concat(CelQuantities.All)
            .GroupBy(static o => (o.Function, o.IsMember))
            .ToFrozenDictionary(static g => g.Key, static g => g.ToImmutableArray());

    public static ImmutableArray<CelOverload> Find(string function, bool isMember) => All.GetValueOrDefault((function, isMember), []);

    public static bool IsKnown(string function) => All.ContainsKey((function, true)) || All.ContainsKey((function, false));

    public static CelOverload Global(string function, CelType gives, Func<ImmutableArray<CelValue>, CelValue> run, params ImmutableArray<CelType> takes) => new(function, false, takes, gives, run);

    public static CelOverload Member(string function, CelType gives, Func<ImmutableArray<CelValue>, CelValue> run, params ImmutableArray<CelType> takes) => new(function, true, takes, gives, run);
}
