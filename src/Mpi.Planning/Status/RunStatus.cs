using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>The status write of a pass: whether there is one, and what is said after it has landed.</summary>
internal static class RunStatus
{
    /// <summary>The plan that the draft amounts to, its status computed last.</summary>
    public static Plan Conclude(Draft draft)
    {
        var scene = draft.Scene;
        var report = RunReporting.Of(draft);
        SayTransitions(draft, report);
        var status = Changed(draft, report);
        return new Plan
        {
            Actions = [.. draft.Actions],
            Status = status,
            StatusFirst = draft.StatusFirst && status is not null,
            Events = [.. draft.Events],
            Counters = [.. Counters(scene.Recorded, report)],
            RevisitAt = draft.RevisitAt,
        };
    }

    /// <summary>The new status; null when it says nothing new, or nothing that cannot wait a little for more (<see cref="StatusPacing"/>).</summary>
    private static JsonObject? Changed(Draft draft, RunReport report)
    {
        var scene = draft.Scene;
        var format = scene.Seen.Dialect.Status;
        var before = scene.Seen.Job.Root.At("status");
        var status = format.Write(before, scene.Seen.Job.Meta, report, scene.Now);
        if (Same(before, status)) return null;
        // The timeline, and what repeats other objects' counters, are worth no write of their own: they ride on those that are made anyway.
        var quiet = report with { Counts = scene.Recorded.Counts, Presence = scene.Recorded.Presence ?? report.Presence, Timeline = null, LauncherJob = null, Gang = null };
        var withoutCounts = format.Write(before, scene.Seen.Job.Meta, quiet, scene.Now);
        return Same(before, withoutCounts) && StatusPacing.CountsCanWait(draft, report) ? null : status;
    }

    private static bool Same(JsonElement before, JsonObject after) =>
        before.ValueKind == JsonValueKind.Object && JsonElement.DeepEquals(before, JsonElement.Parse(after.ToUtf8()));

    /// <summary>Events on transitions only: what is recorded was said.</summary>
    private static void SayTransitions(Draft draft, RunReport report)
    {
        var (scene, recorded) = (draft.Scene, draft.Scene.Recorded);
        var name = $"{scene.Profile.JobKind.Kind} {scene.Namespace}/{scene.Profile.Job.Name}";
        if (!recorded.Announced) draft.SayFirst(PlanEvent.Normal("MPIJobCreated", $"{name} is created."));
        if (report.Suspended == true && recorded.Suspended != true) draft.Say(PlanEvent.Normal("MPIJobSuspended", "MPIJob suspended"));
        if (report.Suspended == false && recorded.Suspended == true) draft.Say(PlanEvent.Normal("MPIJobResumed", "MPIJob resumed"));
        if (report.Running && recorded.Running != true) draft.Say(PlanEvent.Normal("MPIJobRunning", $"{name} is running"));
        if (report.GateBypassed is { } bypassed && recorded.GateBypassed != bypassed) draft.Say(PlanEvent.Warning("GateBypassed", bypassed.Message));
        switch (report.Outcome)
        {
            case RunOutcome.Succeeded when recorded.Outcome is null:
                draft.Say(PlanEvent.Normal("MPIJobSucceeded", $"{name} successfully completed."));
                break;
            case RunOutcome.Failed failed when recorded.Outcome is null:
                draft.Say(PlanEvent.Warning(failed.Reason, failed.Message));
                break;
        }
    }

    private static IEnumerable<PlanCounter> Counters(RecordedRun recorded, RunReport report)
    {
        if (!recorded.Announced) yield return PlanCounter.JobsCreated;
        if (report.Restarting is not null) yield return PlanCounter.JobsRestarted;
        if (recorded.Outcome is not null) yield break;
        if (report.Outcome is RunOutcome.Succeeded) yield return PlanCounter.JobsSuccessful;
        if (report.Outcome is RunOutcome.Failed) yield return PlanCounter.JobsFailed;
    }
}
