using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// Decides what a job needs next: a pure function of what was observed. This file is the map; each step is one file in
/// Rules/, each object one in Children/, and Status/ says what came of it.
/// </summary>
public static class Planner
{
    public static Plan Decide(ObservedRun seen)
    {
        // 1. Not ours to touch: a job on its way out is the garbage collector's, and some are another controller's.
        if (seen.Job.Meta.DeletionTimestamp is not null || seen.Parsed is ParseResult.ManagedElsewhere) return Plan.Nothing;
        var scene = Scene.Of(seen);

        // 2. An invalid spec makes nothing and stops nothing.
        if (seen.Parsed is ParseResult.Rejected rejected) return InvalidRun.Decide(scene, rejected.Errors);
        if (FrozenSpec.Fault(scene.Recorded, ((ParseResult.Run)seen.Parsed).Value) is { } refused) return InvalidRun.Decide(scene, [refused]);
        var draft = new Draft(scene, OneJob.Standing(scene.Recorded, StandingTransport.Of(scene.Recorded, ((ParseResult.Run)seen.Parsed).Value)));

        // 3. A result that stands is final: what is left is cleaning up.
        if (scene.Recorded.Outcome is not null) return FinishedRun.Continue(draft);

        // 4. What cannot be taken back is not decided on a view that may be stale.
        if (Attempts.ToConfirm(draft) is { IsEmpty: false } doubts) return new Plan { Confirm = doubts };

        // 5. The attempt: announced, ended, its launcher vanished, workers lost.
        Announcement.Make(draft);
        if (OtherController.StandBack(draft) is { } standing) return standing;
        OneJob.NoteChange(draft);
        Attempts.Judge(draft);
        if (draft.Outcome is not null) return FinishedRun.Record(draft);
        if (draft.Restarting is not null) return RunStatus.Conclude(draft);

        // 6. Between two attempts nothing is made until the old one is gone.
        if (draft.Attempt.Clearing && !Clearing.Continue(draft)) return Suspended(draft);

        // 7. Names that others have taken.
        if (Conflicts.Find(draft)) return Suspended(draft);

        // 8. What launcher and workers share, for the workers that take part.
        LeftOutWorkers.Decide(draft);
        HeadlessService.Ensure(draft);
        HostList.Ensure(draft);
        KeySecret.Ensure(draft);
        ExecAccess.Ensure(draft);
        // Workers are told the address of the launcher's Service, which the server gives: its answer resumes the plan.
        if (draft.Uses(Transport.Agent) && !AgentService.Ensure(draft)) return Suspended(draft);

        // 9. The pods: none while suspended, else the gang's group, every worker, and the launcher when its time has come.
        if (draft.Run.Suspended) Suspension.Enforce(draft);
        else if (!GangGroup.Ensure(draft)) return RunStatus.Conclude(draft);
        Suspension.SeeThrough(draft);
        var complete = draft.Run.Suspended || draft.Workers.Ensure(draft);
        LauncherStart.Ensure(draft, complete);

        // 10. What the API refused last time, in the user's sight; then one status write, last, or first where it announces.
        Refusal.Note(draft);
        return RunStatus.Conclude(draft);
    }

    /// <summary>A pass that makes nothing still suspends what runs.</summary>
    private static Plan Suspended(Draft draft)
    {
        if (draft.Run.Suspended) Suspension.Enforce(draft);
        return RunStatus.Conclude(draft);
    }
}
