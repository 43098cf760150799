using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>A parsed expression.</summary>
/// <param name="At">Where in the text it stands, for messages.</param>
internal abstract record CelExpression(int At)
{
    public sealed record Literal(int At, CelValue Value) : CelExpression(At);

    public sealed record Name(int At, string Text) : CelExpression(At);

    /// <param name="Optional">Written <c>.?</c>: an absent member is an empty optional, not an error.</param>
    public sealed record Member(int At, CelExpression Of, string Field, bool Optional = false) : CelExpression(At);

    public sealed record Index(int At, CelExpression Of, CelExpression Key, bool Optional = false) : CelExpression(At);

    /// <summary><c>has(a.b)</c>.</summary>
    public sealed record Has(int At, CelExpression Of, string Field) : CelExpression(At);

    /// <summary>A function, or an operator by its name in the language's specification, such as <c>_+_</c>.</summary>
    /// <param name="Target">What stands before the dot; null for a call without one.</param>
    public sealed record Call(int At, string Function, CelExpression? Target, ImmutableArray<CelExpression> Arguments) : CelExpression(At)
    {
        public IEnumerable<CelExpression> All => Target is null ? Arguments : Arguments.Prepend(Target);
    }

    public sealed record And(int At, CelExpression Left, CelExpression Right) : CelExpression(At);

    public sealed record Or(int At, CelExpression Left, CelExpression Right) : CelExpression(At);

    public sealed record Choice(int At, CelExpression If, CelExpression Then, CelExpression Else) : CelExpression(At);

    public sealed record MakeList(int At, ImmutableArray<CelExpression> Items) : CelExpression(At);

    public sealed record MakeMap(int At, ImmutableArray<(CelExpression Key, CelExpression Value)> Entries) : CelExpression(At);

    /// <summary>One of the macros that go through a list, or through the keys of a map.</summary>
    /// <param name="Filter">Of <c>map</c> with three arguments: which items are taken; else null.</param>
    public sealed record Through(int At, CelMacro Macro, CelExpression Range, string Variable, CelExpression? Filter, CelExpression Body) : CelExpression(At);
}

internal enum CelMacro { All, Exists, ExistsOne, Map, Filter }

/// <summary>An expression that cannot be read or does not fit its types; the message shows the place, as cel-go's does.</summary>
internal sealed class CelCompileException(string text, int at, string why) : Exception(Describe(text, at, why))
{
    private static string Describe(string text, int at, string why)
    {
        var start = at == 0 ? 0 : text.LastIndexOf('\n', Math.Min(at, text.Length) - 1) + 1;
        var end = text.IndexOf('\n', start);
        var line = text.AsSpan(0, start).Count('\n') + 1;
        return $"ERROR: <input>:{line}:{at - start + 1}: {why}\n | {(end < 0 ? text[start..] : text[start..end])}\n | {new string('.', at - start)}^";
    }
}

/// <summary>An expression that has no value for what it was given.</summary>
internal sealed class CelException(string why) : Exception(why);
