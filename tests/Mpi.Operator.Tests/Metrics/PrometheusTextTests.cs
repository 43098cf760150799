using Kube.Types;
using Mpi.Planning;

namespace Mpi.Operator.Tests;

public sealed class PrometheusTextTests
{
    [Fact]
    public void A_metric_is_printed_with_help_type_and_its_series()
    {
        var text = PrometheusText.Format(
        [
            new MetricSample("b_total", MetricType.Counter, "Second.", [], 3),
            new MetricSample("a", MetricType.Gauge, "Two\nlines \\ here.", [new("x", "q\"\\\n")], 0.5),
            new MetricSample("a", MetricType.Gauge, "ignored", [new("x", "y"), new("z", "w")], double.PositiveInfinity),
        ]);
        Assert.Equal(
            """
            # HELP a Two\nlines \\ here.
            # TYPE a gauge
            a{x="q\"\\\n"} 0.5
            a{x="y",z="w"} +Inf
            # HELP b_total Second.
            # TYPE b_total counter
            b_total 3

            """, text);
    }

    [Fact]
    public void The_old_names_are_there_from_the_start_at_zero()
    {
        using var metrics = new OperatorMetrics(static () => true);
        var text = PrometheusText.Format(metrics.Read());
        Assert.Contains("\nmpi_operator_jobs_created_total 0\n", text);
        Assert.Contains("\nmpi_operator_jobs_successful_total 0\n", text);
        Assert.Contains("\nmpi_operator_jobs_failed_total 0\n", text);
        Assert.Contains("\nmpi_operator_is_leader 1\n", text);
        Assert.DoesNotContain("mpi_operator_job_info{", text);
    }

    [Fact]
    public void A_job_that_is_gone_leaves_no_series_behind()
    {
        using var metrics = new OperatorMetrics(static () => false);
        metrics.Add(PlanCounter.JobsFailed);
        metrics.JobSeen("uid", new ObjectKey("ns", "pi-launcher"));
        Assert.Contains("mpi_operator_job_info{launcher=\"pi-launcher\",namespace=\"ns\"} 1\n", PrometheusText.Format(metrics.Read()));
        metrics.JobGone("uid");
        var text = PrometheusText.Format(metrics.Read());
        Assert.DoesNotContain("pi-launcher", text);
        Assert.Contains("mpi_operator_jobs_failed_total 1\n", text);
        Assert.Contains("mpi_operator_is_leader 0\n", text);
    }

    [Fact]
    public void The_process_tells_its_time_memory_and_descriptors_by_their_usual_names()
    {
        using var open = new FileStream("/proc/self/status", FileMode.Open, FileAccess.Read);
        var samples = ProcessMetrics.Read().ToDictionary(static s => s.Name);
        Assert.Equal(
            ["process_cpu_seconds_total", "process_max_fds", "process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds", "process_virtual_memory_bytes"],
            samples.Keys.Order(StringComparer.Ordinal));
        Assert.All(samples.Values, static sample => Assert.True(sample.Value > 0, sample.Name));
        Assert.Equal(MetricType.Counter, samples["process_cpu_seconds_total"].Type);
        Assert.True(samples["process_resident_memory_bytes"].Value < samples["process_virtual_memory_bytes"].Value);
        Assert.True(samples["process_open_fds"].Value < samples["process_max_fds"].Value);
        Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - samples["process_start_time_seconds"].Value, -5, 24 * 3600);
    }
}
