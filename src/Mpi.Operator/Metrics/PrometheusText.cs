using System.Globalization;
using System.Text;

namespace Mpi.Operator;

/// <summary>One series of a metric at one moment.</summary>
/// <param name="Labels">Name and value, in the order in which they are printed.</param>
public sealed record MetricSample(string Name, MetricType Type, string Help, IReadOnlyList<KeyValuePair<string, string>> Labels, double Value);

public enum MetricType { Counter, Gauge }

/// <summary>The text format of Prometheus, version 0.0.4. Pure.</summary>
public static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Samples grouped by metric, each under its HELP and TYPE lines; metrics by name, series as they came.</summary>
    public static string Format(IEnumerable<MetricSample> samples)
    {
        var text = new StringBuilder();
        foreach (var metric in samples.GroupBy(static s => s.Name, StringComparer.Ordinal).OrderBy(static g => g.Key, StringComparer.Ordinal))
        {
            var first = metric.First();
            text.Append("# HELP ").Append(metric.Key).Append(' ').Append(Escape(first.Help, quotes: false)).Append('\n');
            text.Append("# TYPE ").Append(metric.Key).Append(first.Type == MetricType.Counter ? " counter\n" : " gauge\n");
            foreach (var sample in metric)
            {
                text.Append(metric.Key);
                if (sample.Labels.Count > 0)
                {
                    text.Append('{').AppendJoin(',', sample.Labels.Select(static l => $"{l.Key}=\"{Escape(l.Value, quotes: true)}\"")).Append('}');
                }

                text.Append(' ').Append(Number(sample.Value)).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string Escape(string text, bool quotes)
    {
        text = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? text.Replace("\"", "\\\"", StringComparison.Ordinal) : text;
    }
}
