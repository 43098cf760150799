using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects.Tests;

/// <summary>The transition rules of conditions, and that writing the same again changes nothing.</summary>
public sealed class StatusTests
{
    private static readonly IRunStatusFormat Format = new KubeflowV2Beta1Dialect().Status;
    private static readonly ObjectMeta Job = new() { Name = "pi", Namespace = "default" };
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly RunReport Running = new() { State = RunState.Running, Running = true, StartTime = Start, Attempt = new AttemptRecord(1), WorkerCount = 2 };

    [Fact]
    public void Writing_the_same_report_again_changes_nothing_and_reading_gives_it_back()
    {
        var report = Running with
        {
            Attempt = new AttemptRecord(3) { LauncherUid = "u", Clearing = true, Replaces = "v", Failures = 2, Losses = 1, ActiveSeconds = 77 },
            Counts = new RunCounts(new ReplicaCount(1, 0, 2), new ReplicaCount(2, 0, 0), 2),
            Blocked = new RunRemark("CreateRefused", "quota"),
            GateBypassed = new RunRemark("WorkersSilent", "pi-worker-1"),
            Transport = new TransportChoice(Transport.Agent, "annotation kubempi.dev/transport"),
            Timeline = new RunTimeline { Created = Start, Scheduled = Start.AddSeconds(1), Running = Start.AddSeconds(20), Reachable = Start.AddSeconds(21), Launched = Start.AddSeconds(22) },
        };
        var once = Write(null, report, Start);
        var twice = Write(once, report, Start.AddHours(1));
        Assert.Equal(once.ToJsonString(), twice.ToJsonString());
        var read = Format.Read(JsonElement.Parse(twice.ToUtf8()));
        Assert.Equal(report.Attempt, read.Attempt);
        Assert.Equal(report.Counts, read.Counts);
        Assert.Equal(report.Transport, read.Transport);
        Assert.Equal(report.Timeline, read.Timeline);
        Assert.Equal((true, true, report.Blocked, report.GateBypassed, 2), (read.Announced, read.Running, read.Blocked, read.GateBypassed, read.WorkerCount));
    }

    [Fact]
    public void A_report_without_a_timeline_leaves_what_stands_and_an_empty_one_takes_it_away()
    {
        var begun = Write(null, Running with { Timeline = new RunTimeline { Created = Start } }, Start);

        Assert.Equal("""{"created":"2026-03-01T12:00:00Z"}""", Write(begun, Running, Start)["timeline"]!.ToJsonString());
        Assert.Null(Write(begun, Running with { Timeline = RunTimeline.Empty }, Start)["timeline"]);
    }

    [Fact]
    public void Members_that_this_version_does_not_know_stay()
    {
        var status = Write(new JsonObject { ["ofTomorrow"] = 1 }, Running, Start);
        Assert.Equal("1", status["ofTomorrow"]!.ToString());
    }

    [Fact]
    public void The_end_turns_running_false_without_touching_anything_else_of_it()
    {
        var status = Write(Write(null, Running, Start), Running with { State = RunState.Succeeded, Running = false, Outcome = new RunOutcome.Succeeded(), CompletionTime = Start.AddMinutes(2) }, Start.AddMinutes(2));
        Assert.Equal(
            ["Created True 2026-03-01T12:00:00Z", "Running False 2026-03-01T12:00:00Z", "Succeeded True 2026-03-01T12:02:00Z"],
            Conditions(status));
    }

    [Fact]
    public void Success_turns_an_earlier_eviction_to_false()
    {
        var evicted = JsonNode.Parse("""{"conditions":[{"type":"Created","status":"True","reason":"MPIJobCreated"},{"type":"Failed","status":"True","reason":"MPIJobEvicted","message":"1/2 workers are evicted","lastTransitionTime":"2026-03-01T11:00:00Z"}]}""")!.AsObject();
        Assert.Null(Format.Read(JsonElement.Parse(evicted.ToUtf8())).Outcome);
        var status = Write(evicted, Running with { Running = false, State = RunState.Succeeded, Outcome = new RunOutcome.Succeeded(), CompletionTime = Start }, Start);
        Assert.Contains("Failed False 2026-03-01T11:00:00Z", Conditions(status));
    }

    [Fact]
    public void Restarting_takes_runnings_place_and_running_takes_its()
    {
        var restarting = Write(Write(null, Running, Start), Running with { Running = false, Restarting = new RunRemark("WorkerLost", "x"), State = RunState.Restarting }, Start.AddMinutes(1));
        Assert.Equal(["Created", "Restarting"], Conditions(restarting).Select(static c => c.Split(' ')[0]));
        var again = Write(restarting, Running, Start.AddMinutes(2));
        Assert.Equal(["Created True 2026-03-01T12:00:00Z", "Running True 2026-03-01T12:02:00Z"], Conditions(again));
    }

    [Fact]
    public void The_same_status_for_another_reason_keeps_its_transition_time_and_moves_to_the_end()
    {
        var suspended = Write(null, Running with { Running = false, Suspended = true, State = RunState.Suspended }, Start);
        // Running False: MPIJobSuspended
        var ended = Write(suspended, Running with { Running = false, Suspended = null, State = RunState.Failed, Outcome = new RunOutcome.Failed("X", "y"), CompletionTime = Start }, Start.AddMinutes(1));
        Assert.Equal("Running False 2026-03-01T12:00:00Z", Conditions(ended).Single(static c => c.StartsWith("Running", StringComparison.Ordinal)));
        var reworded = Write(ended, Running with { Running = false, Outcome = new RunOutcome.Failed("Z", "y"), CompletionTime = Start, State = RunState.Failed }, Start.AddMinutes(5));
        Assert.EndsWith("Failed True 2026-03-01T12:01:00Z", Conditions(reworded)[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_never_was_suspended_has_no_word_about_it()
    {
        Assert.DoesNotContain(Conditions(Write(null, Running with { Suspended = false }, Start)), static c => c.StartsWith("Suspended", StringComparison.Ordinal));
        var resumed = Write(Write(null, Running with { Suspended = true, Running = false }, Start), Running with { Suspended = false }, Start.AddMinutes(1));
        Assert.Contains("Suspended False 2026-03-01T12:01:00Z", Conditions(resumed));
    }

    [Theory]
    [InlineData(45, "45s")]
    [InlineData(125, "2m5s")]
    [InlineData(10_800, "3h0m")]
    [InlineData(187_200, "2d4h")]
    public void The_duration_is_written_in_two_units(int seconds, string expected) => Assert.Equal(
        expected,
        Write(null, Running with { Outcome = new RunOutcome.Succeeded(), CompletionTime = Start.AddSeconds(seconds) }, Start)["duration"]!.ToString());

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"conditions":{},"replicaStatuses":7,"attempt":"x","workers":[1],"startTime":"yesterday"}""")]
    [InlineData("""{"conditions":[3,{"type":7},{"status":"True"}],"attempt":{"number":99999999999999}}""")]
    public void A_damaged_status_reads_as_nothing_recorded_and_is_written_anew(string json)
    {
        var damaged = JsonElement.Parse(json);
        Assert.Null(Format.Read(damaged).Attempt);
        Assert.Equal("1", Format.Write(damaged, Job, Running, Start)["attempt"]!["number"]!.ToString());
    }

    private static JsonObject Write(JsonObject? before, RunReport report, DateTimeOffset now) =>
        Format.Write(before is null ? default : JsonElement.Parse(before.ToUtf8()), Job, report, now);

    private static List<string> Conditions(JsonObject status) =>
        [.. status["conditions"]!.AsArray().Select(static c => $"{c!["type"]} {c["status"]} {c["lastTransitionTime"]}")];
}
