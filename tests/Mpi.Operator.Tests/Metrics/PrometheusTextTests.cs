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
        metrics.JobSeen(new ObjectKey("ns", "pi"), "pi-launcher");
        Assert.Contains("mpi_operator_job_info{launcher=\"pi-launcher\",namespace=\"ns\"} 1\n", PrometheusText.Format(metrics.Read()));
        metrics.JobGone(new ObjectKey("ns", "pi"));
        var text = PrometheusText.Format(metrics.Read());
        Assert.DoesNotContain("pi-launcher", text);
        Assert.Contains("mpi_operator_jobs_failed_total 1\n", text);
        Assert.Contains("mpi_operator_is_leader 0\n", text);
    }
}
