using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// The status of an MPIJob: <c>conditions</c>, <c>replicaStatuses</c>, <c>startTime</c> and <c>completionTime</c> as kubeflow's
/// operator writes them (spec 1.5, 3.3, 3.4), and our additions: <c>state</c>, <c>workers</c>, <c>attempt</c>, <c>transport</c>,
/// <c>timeline</c>, <c>duration</c>, <c>observedGeneration</c>, and conditions Invalid, Blocked, ReadOtherwise and GateBypassed.
/// </summary>
/// <param name="kind">How people call the job.</param>
internal sealed class KubeflowV2Beta1Status(string kind = "MPIJob") : IRunStatusFormat
{
    public RecordedRun Read(JsonElement status)
    {
        var conditions = JobConditions.Read(status);
        var completion = status.Time("completionTime");
        return new RecordedRun
        {
            Announced = conditions.IsTrue("Created"),
            Running = conditions.Said("Running"),
            Suspended = conditions.Said("Suspended"),
            Restarting = conditions.Said("Restarting"),
            // Without a completionTime a Failed condition is an eviction that the old operator noted while it went on (spec 3.5).
            Outcome = completion is null ? null : conditions.Outcome,
            StartTime = status.Time("startTime"),
            CompletionTime = completion,
            Attempt = ReadAttempt(status),
            WorkerCount = (int?)status.Integer("workers", "replicas"),
            Transport = ReadTransport(status),
            Counts = new RunCounts(
                status.Has("replicaStatuses", "Launcher") ? ReadCount(status.At("replicaStatuses", "Launcher")) : null,
                ReadCount(status.At("replicaStatuses", "Worker")),
                (int)(status.Integer("workers", "ready") ?? 0)),
            Timeline = ReadTimeline(status.At("timeline")),
            Invalid = conditions.Remark("Invalid"),
            Blocked = conditions.Remark("Blocked"),
            ReadOtherwise = conditions.Remark("ReadOtherwise"),
            GateBypassed = conditions.Remark("GateBypassed"),
        };
    }

    public JsonObject Write(JsonElement status, ObjectMeta job, RunReport report, DateTimeOffset now)
    {
        var tree = status.ToTree() as JsonObject ?? [];
        var conditions = JobConditions.Read(status);
        WriteConditions(conditions, job, report, now);
        tree["conditions"] = conditions.ToTree();
        if (report.Announced)
        {
            var replicas = tree.Object("replicaStatuses");
            if (report.Counts.Launcher is { } launcher) replicas["Launcher"] = CountTree(launcher);
            replicas["Worker"] = CountTree(report.Counts.Workers);
            WriteWorkers(tree.Object("workers"), report);
        }

        if (report.StartTime is { } start) tree["startTime"] = KubeTime.Format(start);
        if (report.CompletionTime is { } end)
        {
            tree["completionTime"] = KubeTime.Format(end);
            if (report.StartTime is { } began) tree["duration"] = Duration(end - began);
        }

        if (report.Attempt is { } attempt) tree["attempt"] = AttemptTree(attempt);
        if (report.Transport is { } transport) tree["transport"] = new JsonObject { ["name"] = Name(transport.Kind), ["reason"] = transport.Reason };
        if (report.Timeline is { } timeline) WriteTimeline(tree, timeline);
        tree["state"] = report.State.ToString();
        if (report.ObservedGeneration > 0) tree["observedGeneration"] = report.ObservedGeneration;
        return tree;
    }

    private void WriteConditions(JobConditions conditions, ObjectMeta job, RunReport report, DateTimeOffset now)
    {
        var name = $"{kind} {job.Namespace}/{job.Name}";
        var newly = new ConditionClock(now);
        if (report.Announced) conditions.Set("Created", true, "MPIJobCreated", $"{name} is created.", newly);

        if (report.Suspended == true) conditions.Set("Suspended", true, "MPIJobSuspended", "MPIJob suspended", newly);
        else if (report.Suspended == false && conditions.Said("Suspended") is not null) conditions.Set("Suspended", false, "MPIJobResumed", "MPIJob resumed", newly);

        if (report.Restarting is { } why) conditions.Set("Restarting", true, why.Reason, why.Message, newly);

        // A launcher that failed and is tried again is no event here; in v1alpha2 it was one.
        var isTriedAgain = report is { Outcome: null, Running: false, Suspended: not true, Counts.Launcher: { Active: 0, Failed: > 0 } };
        if (isTriedAgain && report.Restarting is null && KubeflowVersions.OriginOf(job) is { SaysRestarting: true }) conditions.Set("Restarting", true, "MPIJobRestarting", $"{name} is restarting.", newly);

        switch (report.Outcome)
        {
            case RunOutcome.Succeeded:
                conditions.Set("Succeeded", true, "MPIJobSucceeded", $"{name} successfully completed.", newly);
                break;
            case RunOutcome.Failed failed:
                conditions.Set("Failed", true, failed.Reason, failed.Message, newly);
                break;
        }

        if (report.Outcome is not null)
        {
            // Consumers that compute durations look for a Running condition: a job that was quicker than our eyes has one too.
            if (conditions.Said("Running") is null)
            {
                conditions.Set("Running", false, "MPIJobRunning", $"{name} is finished but Running condition was never set.", new ConditionClock(report.CompletionTime ?? now));
            }
        }
        else if (report.Suspended == true)
        {
            conditions.Set("Running", false, "MPIJobSuspended", $"{name} is suspended.", newly);
        }
        else if (report.Running)
        {
            conditions.Set("Running", true, "MPIJobRunning", $"{name} is running.", newly);
        }

        conditions.SetRemark("Invalid", report.Invalid, "Valid", "the spec is valid", newly);
        conditions.SetRemark("Blocked", report.Blocked, "Unblocked", "nothing is in the way", newly);
        conditions.SetRemark("ReadOtherwise", report.ReadOtherwise, "ReadAsWritten", "the manifest is read as it stands", newly);
        if (report.GateBypassed is { } bypassed) conditions.SetRemark("GateBypassed", bypassed, "", "", newly);
    }

    private static void WriteWorkers(JsonObject workers, RunReport report)
    {
        var wanted = report.WorkerCount ?? 0;
        workers["replicas"] = wanted;
        workers["ready"] = report.Counts.WorkersReady;
        // One column "ready/total" cannot be put together by a printer column's JSON path.
        workers["summary"] = string.Create(CultureInfo.InvariantCulture, $"{report.Counts.WorkersReady}/{wanted}");
        workers["selector"] = report.WorkerSelector;
    }

    private static TransportChoice? ReadTransport(JsonElement status)
    {
        foreach (var kind in Enum.GetValues<Transport>())
        {
            if (status.Text("transport", "name") == Name(kind)) return new TransportChoice(kind, status.Text("transport", "reason") ?? "");
        }

        return null;
    }

    private static string Name(Transport transport) => transport switch
    {
        Transport.Ssh => "ssh",
        Transport.Agent => "agent",
        Transport.Exec => "exec",
        _ => throw new UnreachableException(),
    };

    private static ReplicaCount ReadCount(JsonElement count) => new(
        (int)(count.Integer("active") ?? 0), (int)(count.Integer("succeeded") ?? 0), (int)(count.Integer("failed") ?? 0));

    /// <summary>Zeros are left out, as Go's omitempty does: readers tell 0 from absent nowhere.</summary>
    private static JsonObject CountTree(ReplicaCount count)
    {
        var tree = new JsonObject();
        if (count.Active != 0) tree["active"] = count.Active;
        if (count.Succeeded != 0) tree["succeeded"] = count.Succeeded;
        if (count.Failed != 0) tree["failed"] = count.Failed;
        return tree;
    }

    private static RunTimeline ReadTimeline(JsonElement timeline) => new()
    {
        Created = timeline.Time("created"),
        Scheduled = timeline.Time("scheduled"),
        Running = timeline.Time("running"),
        Reachable = timeline.Time("reachable"),
        Launched = timeline.Time("launched"),
    };

    private static void WriteTimeline(JsonObject tree, RunTimeline timeline)
    {
        var times = new JsonObject();
        Add("created", timeline.Created);
        Add("scheduled", timeline.Scheduled);
        Add("running", timeline.Running);
        Add("reachable", timeline.Reachable);
        Add("launched", timeline.Launched);
        if (times.Count > 0) tree["timeline"] = times;
        else tree.Remove("timeline");

        void Add(string step, DateTimeOffset? at)
        {
            if (at is { } time) times[step] = KubeTime.Format(time);
        }
    }

    private static AttemptRecord? ReadAttempt(JsonElement status) => status.Integer("attempt", "number") is { } number and > 0 and <= int.MaxValue
        ? new AttemptRecord((int)number)
        {
            LauncherUid = status.Text("attempt", "launcherUID"),
            Clearing = status.Flag("attempt", "clearing") ?? false,
            Replaces = status.Text("attempt", "replacesUID"),
            NotBefore = status.Time("attempt", "notBefore"),
            Failures = (int)(status.Integer("attempt", "failures") ?? 0),
            Losses = (int)(status.Integer("attempt", "losses") ?? 0),
            ActiveSeconds = status.Integer("attempt", "activeSeconds") ?? 0,
        }
        : null;

    private static JsonObject AttemptTree(AttemptRecord attempt)
    {
        var tree = new JsonObject { ["number"] = attempt.Number, ["restarts"] = attempt.Number - 1 };
        if (attempt.LauncherUid is { } launcher) tree["launcherUID"] = launcher;
        if (attempt.Clearing) tree["clearing"] = true;
        if (attempt.Replaces is { } replaced) tree["replacesUID"] = replaced;
        if (attempt.NotBefore is { } due) tree["notBefore"] = KubeTime.Format(due);
        if (attempt.Failures != 0) tree["failures"] = attempt.Failures;
        if (attempt.Losses != 0) tree["losses"] = attempt.Losses;
        if (attempt.ActiveSeconds != 0) tree["activeSeconds"] = attempt.ActiveSeconds;
        return tree;
    }

    /// <summary>Such as <c>45s</c>, <c>2m5s</c>, <c>3h0m</c>, <c>2d4h</c>: two units, as kubectl writes ages.</summary>
    private static string Duration(TimeSpan span)
    {
        if (span < TimeSpan.Zero) span = TimeSpan.Zero;
        return span switch
        {
            { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalSeconds}s"),
            { TotalHours: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalMinutes}m{span.Seconds}s"),
            { TotalDays: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours}h{span.Minutes}m"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalDays}d{span.Hours}h"),
        };
    }
}
