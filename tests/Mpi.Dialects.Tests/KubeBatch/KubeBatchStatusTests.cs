using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects.Tests;

/// <summary>What the type of an MPI object's status declared, and what all kinds have.</summary>
public sealed class KubeBatchStatusTests
{
    private static readonly IRunStatusFormat Format = new KubeBatchDialect().Status;
    private static readonly ObjectMeta Job = new() { Name = "ring", Namespace = "hpc" };
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly RunReport Running = new()
    {
        State = RunState.Running,
        Running = true,
        ObservedGeneration = 3,
        StartTime = Start,
        Attempt = new AttemptRecord(2) { LauncherUid = "u", Failures = 1 },
        WorkerCount = 2,
        Transport = new TransportChoice(Transport.Agent, "the default of kube-batch's MPI"),
        LauncherPod = "ring-0-x7k2p",
        LauncherJob = new JobCounters(3, 0, 0, Start, null),
        Gang = new GangState("Running", 3, 0, 0),
        Counts = new RunCounts(new ReplicaCount(1, 0, 0), new ReplicaCount(2, 0, 0), 2),
    };

    [Fact]
    public void All_three_members_of_the_old_type_are_written()
    {
        var status = Write(null, Running, Start);

        Assert.Equal("""{"active":3,"startTime":"2026-03-01T12:00:00Z"}""", status["job"]!.ToJsonString());
        Assert.Equal("""{"phase":"Running","running":3}""", status["podGroup"]!.ToJsonString());
        Assert.Equal("""{"executor":"ring-0-x7k2p","hostfileEntries":"3","transport":"agent"}""", status["descriptors"]!.ToJsonString());
        Assert.Equal("3", status["observedGeneration"]!.ToString());
        Assert.Equal("MPI hpc/ring is running.", Condition(status, "Running")!["message"]!.ToString());
    }

    [Fact]
    public void Writing_the_same_again_changes_nothing_and_reading_gives_it_back()
    {
        var report = Running with { Blocked = new RunRemark("GangSchedulerMissing", "install it"), SpecChanged = new RunRemark("SpecImmutable", "suspend it") };
        var once = Write(null, report, Start);

        Assert.Equal(once.ToJsonString(), Write(once, report, Start.AddHours(1)).ToJsonString());
        var read = Format.Read(JsonElement.Parse(once.ToUtf8()));
        Assert.Equal((report.Attempt, report.Counts, report.Transport, 2, report.Blocked, report.SpecChanged), (read.Attempt, read.Counts, read.Transport, read.WorkerCount, read.Blocked, read.SpecChanged));
    }

    [Fact]
    public void What_the_report_does_not_say_stays()
    {
        var before = Write(null, Running, Start);

        var after = Write(before, Running with { LauncherPod = null, LauncherJob = null, Gang = null }, Start);

        Assert.Equal(before.ToJsonString(), after.ToJsonString());
    }

    [Fact]
    public void A_missing_scheduler_has_a_condition_of_its_own_which_is_settled_and_not_removed()
    {
        var missing = Write(null, Running with { Running = false, State = RunState.Blocked, Blocked = new RunRemark("GangSchedulerMissing", "install it") }, Start);
        Assert.Equal(("True", "install it"), (Condition(missing, "SchedulerMissing")!["status"]!.ToString(), Condition(missing, "SchedulerMissing")!["message"]!.ToString()));

        Assert.Equal("False", Condition(Write(missing, Running, Start.AddMinutes(1)), "SchedulerMissing")!["status"]!.ToString());
        // Another hindrance is none of the scheduler's.
        Assert.Null(Condition(Write(null, Running with { Blocked = new RunRemark("CreateRefused", "quota") }, Start), "SchedulerMissing"));
    }

    private static JsonObject? Condition(JsonObject status, string type) => status["conditions"]!.AsArray().OfType<JsonObject>().FirstOrDefault(c => c["type"]!.ToString() == type);

    private static JsonObject Write(JsonObject? status, RunReport report, DateTimeOffset now) =>
        Format.Write(status is null ? default : JsonElement.Parse(status.ToUtf8()), Job, report, now);
}
