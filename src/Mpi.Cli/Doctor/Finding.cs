namespace Mpi.Cli;

/// <summary>How a <see cref="Finding"/> is to be taken.</summary>
public enum Verdict
{
    /// <summary>As it should be, or as somebody wanted it.</summary>
    Fine,

    /// <summary>Could not be looked at.</summary>
    Unknown,

    /// <summary>Something to mend.</summary>
    Fault,
}

/// <summary>One thing that <c>kubempi doctor</c> found.</summary>
/// <param name="What">A sentence that names the object.</param>
/// <param name="Remedy">What to do about it; null where there is nothing, or where the sentence says it.</param>
public sealed record Finding(Verdict Verdict, string What, string? Remedy = null)
{
    public static Finding Fine(string what) => new(Verdict.Fine, what);
    public static Finding Unknown(string what) => new(Verdict.Unknown, what);
    public static Finding Fault(string what, string? remedy = null) => new(Verdict.Fault, what, remedy);

    /// <summary>A line, the remedy indented below it, and what it quotes below that.</summary>
    public string ToText(bool colour)
    {
        var (mark, code) = Verdict switch { Verdict.Fine => ("✓", "32"), Verdict.Fault => ("✗", "31"), _ => ("?", "33") };
        var sign = colour ? $"\u001b[{code}m{mark}\u001b[0m" : mark;
        return $"{sign} {What.Replace("\n", "\n    ", StringComparison.Ordinal)}\n{(Remedy is null ? "" : $"  → {Remedy}\n")}";
    }
}
