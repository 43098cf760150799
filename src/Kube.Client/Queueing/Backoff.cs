namespace Kube.Client;

/// <summary>Waits that double with each failure up to a bound, spread by chance so that many who failed together do not return together.</summary>
/// <param name="First">The wait after the first failure, before spreading.</param>
/// <param name="Max">No wait is longer.</param>
public sealed record Backoff(TimeSpan First, TimeSpan Max)
{
    /// <summary>How far a wait is spread below its full length: 0.5 draws it from half to full.</summary>
    public double Spread { get; init; } = 0.5;

    /// <param name="failures">In a row, 1 or more.</param>
    public TimeSpan After(int failures, Random random)
    {
        // 2^30 times any sensible first wait is beyond any sensible bound.
        var full = Math.Min(First.TotalSeconds * Math.Pow(2, Math.Min(failures - 1, 30)), Max.TotalSeconds);
        return TimeSpan.FromSeconds(full * (1 - (Spread * random.NextDouble())));
    }
}
