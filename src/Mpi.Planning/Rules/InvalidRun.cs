using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// A spec that is not valid. Nothing is made or deleted for it; a job that runs is left alone, its result is recorded as
/// ever, and a condition names every fault with its path. kubeflow's operator only sends an event and freezes (spec 1.3).
/// </summary>
internal static class InvalidRun
{
    public static Plan Decide(Scene scene, ImmutableArray<FieldError> errors)
    {
        var recorded = scene.Recorded;
        if (recorded.Outcome is not null) return Plan.Nothing;
        var remark = new RunRemark("ValidationError", Texts.Truncate($"Found validation errors: {FieldError.Aggregate(errors)}"));
        var outcome = Outcome(scene);
        var report = new RunReport
        {
            State = outcome switch
            {
                RunOutcome.Succeeded => RunState.Succeeded,
                RunOutcome.Failed => RunState.Failed,
                _ => recorded.Running == true ? RunState.Running : RunState.Invalid,
            },
            ObservedGeneration = scene.Seen.Job.Meta.Generation,
            Announced = recorded.Announced,
            Outcome = outcome,
            StartTime = recorded.StartTime,
            CompletionTime = outcome is null ? null : scene.Launcher?.CompletionTime ?? scene.Now,
            Counts = outcome is null
                ? recorded.Counts
                : new RunCounts(new ReplicaCount(0, outcome is RunOutcome.Succeeded ? 1 : 0, scene.LauncherFailures), ReplicaCount.None, 0),
            Presence = recorded.Presence ?? WorkerPresence.None,
            Attempt = recorded.Attempt,
            WorkerCount = recorded.WorkerCount,
            WorkerSelector = string.Join(',', scene.Profile.WorkerLabels.Select(static l => $"{l.Key}={l.Value}")),
            Invalid = remark,
            Blocked = recorded.Blocked,
            ReadOtherwise = recorded.ReadOtherwise,
        };
        var before = scene.Seen.Job.Root.At("status");
        var status = scene.Seen.Dialect.Status.Write(before, scene.Seen.Job.Meta, report, scene.Now);
        if (before.ValueKind == JsonValueKind.Object && JsonElement.DeepEquals(before, JsonElement.Parse(status.ToUtf8()))) return Plan.Nothing;
        var events = ImmutableArray.CreateBuilder<PlanEvent>();
        if (recorded.Invalid != remark) events.Add(PlanEvent.Warning(remark.Reason, remark.Message));
        var counters = ImmutableArray.CreateBuilder<PlanCounter>();
        switch (outcome)
        {
            case RunOutcome.Succeeded:
                events.Add(PlanEvent.Normal("MPIJobSucceeded", $"{scene.Profile.JobKind.Kind} {scene.Namespace}/{scene.Profile.Job.Name} successfully completed."));
                counters.Add(PlanCounter.JobsSuccessful);
                break;
            case RunOutcome.Failed failed:
                events.Add(PlanEvent.Warning(failed.Reason, failed.Message));
                counters.Add(PlanCounter.JobsFailed);
                break;
        }

        return new Plan { Status = status, StatusFirst = true, Events = events.ToImmutable(), Counters = counters.ToImmutable() };
    }

    private static RunOutcome? Outcome(Scene scene) => scene.Launcher?.End switch
    {
        { Succeeded: true } => new RunOutcome.Succeeded(),
        { } end => LauncherFailure.Describe(scene, end),
        null => null,
    };
}
