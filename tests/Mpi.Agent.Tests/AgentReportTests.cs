using System.Text;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Tests;

public sealed class AgentReportTests
{
    [Fact]
    public void A_small_report_is_written_whole_and_reads_back()
    {
        var report = Report(reachable: 1, missing: 1);

        var message = report.ToTerminationMessage();

        Assert.Equal(
            """{"gate":{"opened":"timeout","total":2,"proven":1,"missing":[{"host":"w-0","cause":"Refused","reason":"Connection refused"}],"workers":[{"host":"r-0","reachableMs":0}]}}""",
            message);
        var read = AgentReport.TryRead(message)!.Gate!;
        Assert.Equal((GateOpening.Timeout, 2, 1), (read.Opened, read.Total, read.Proven));
        Assert.Equal(report.Gate!.Missing, read.Missing);
        Assert.Equal(report.Gate.Workers, read.Workers);
    }

    [Fact]
    public void Lost_workers_read_back_and_as_many_are_kept_as_fit()
    {
        var report = new AgentReport { Launcher = new LauncherReport { Lost = [.. Enumerable.Range(0, 100).Select(static i => new LostWorker($"pi-worker-{i}", new string('x', 100)))] } };

        var message = report.ToTerminationMessage();

        Assert.InRange(Encoding.UTF8.GetByteCount(message), 3500, AgentContract.TerminationMessageLimit);
        Assert.Equal(report.Launcher.Lost[0], AgentReport.TryRead(message)!.Launcher!.Lost[0]);
    }

    [Theory]
    [InlineData(1000, 0)]
    [InlineData(990, 10)]
    [InlineData(0, 1000)]
    public void A_large_report_fits_the_limit_and_keeps_exact_counts(int reachable, int missing)
    {
        var message = Report(reachable, missing).ToTerminationMessage();

        Assert.InRange(Encoding.UTF8.GetByteCount(message), 3500, AgentContract.TerminationMessageLimit);
        var read = AgentReport.TryRead(message)!.Gate!;
        Assert.Equal((reachable + missing, reachable), (read.Total, read.Proven));
        if (missing <= 10) Assert.Equal(missing, read.Missing.Length);
        else Assert.Equal("w-0", read.Missing[0].Host);
        if (reachable > 0) Assert.Equal($"r-{reachable - 1}", read.Workers[0].Host);
    }

    [Fact]
    public void Long_reasons_in_any_script_do_not_break_the_limit()
    {
        var report = new AgentReport
        {
            Gate = new GateReport
            {
                Opened = GateOpening.Timeout,
                Total = 100,
                Proven = 0,
                Missing = [.. Enumerable.Range(0, 100).Select(static i => new MissingWorker($"w-{i}", UnreachableCause.Other, new string('é', 240)))],
            },
        };

        Assert.InRange(Encoding.UTF8.GetByteCount(report.ToTerminationMessage()), 1, AgentContract.TerminationMessageLimit);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("mpirun was killed")]
    [InlineData("{\"error\":\"of the user's program\"}")]
    [InlineData("{\"gate\":{\"opened\":\"pro")]
    [InlineData("{\"gate\":{}}")]
    [InlineData("[1]")]
    [InlineData("{\"launcher\":{\"lost\":[{}]}}")]
    [InlineData("{\"launcher\":{\"lost\":[{\"host\":null,\"reason\":\"gone\"}]}}")]
    public void What_others_wrote_is_no_report(string? message) => Assert.Null(AgentReport.TryRead(message));

    [Theory]
    [InlineData("{\"launcher\":{}}")]
    [InlineData("{\"launcher\":{\"lost\":[null]}}")]
    [InlineData("{\"launcher\":{},\"gate\":{\"opened\":\"timeout\",\"total\":1,\"proven\":0}}")]
    public void Lists_that_others_left_out_are_empty(string message)
    {
        var report = AgentReport.TryRead(message)!;

        Assert.Empty(report.Launcher!.Lost);
        if (report.Gate is { } gate) Assert.Equal((0, 0), (gate.Missing.Length, gate.Workers.Length));
    }

    private static AgentReport Report(int reachable, int missing) => new()
    {
        Gate = new GateReport
        {
            Opened = missing == 0 ? GateOpening.Proven : GateOpening.Timeout,
            Total = reachable + missing,
            Proven = reachable,
            Workers = [.. Enumerable.Range(0, reachable).Select(static i => new ReachableWorker($"r-{i}", i * 10))],
            Missing = [.. Enumerable.Range(0, missing).Select(static i => new MissingWorker($"w-{i}", UnreachableCause.Refused, "Connection refused"))],
        },
    };
}
