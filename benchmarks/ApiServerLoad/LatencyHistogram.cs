using System.Globalization;

namespace Benchmarks.ApiServerLoad;

/// <summary>Durations in buckets that grow by an eighth of a power of two, so that millions cost no memory. Thread-safe.</summary>
internal sealed class LatencyHistogram
{
    private const int PerDoubling = 8;
    private readonly long[] _counts = new long[64 * PerDoubling];

    public void Record(TimeSpan duration)
    {
        var microseconds = Math.Max(1, duration.TotalMicroseconds);
        Interlocked.Increment(ref _counts[Math.Min(_counts.Length - 1, (int)(Math.Log2(microseconds) * PerDoubling))]);
    }

    public void Add(LatencyHistogram other)
    {
        for (var i = 0; i < _counts.Length; i++) Interlocked.Add(ref _counts[i], Interlocked.Read(ref other._counts[i]));
    }

    public override string ToString() => $"median {Text(0.5)}, p99 {Text(0.99)}, longest {Text(1)}";

    private string Text(double share)
    {
        var wanted = (long)Math.Ceiling(_counts.Sum() * share);
        var sum = 0L;
        for (var i = 0; i < _counts.Length; i++)
        {
            sum += _counts[i];
            if (sum >= wanted && sum > 0) return string.Create(CultureInfo.InvariantCulture, $"{Math.Pow(2, (i + 0.5) / PerDoubling) / 1000:0.0##} ms");
        }

        return "none";
    }
}
