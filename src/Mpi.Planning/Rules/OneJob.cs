using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// What the end of a Job means whose first index is the launcher and whose others are the workers (spec/kube-batch-mpi.md 8, rows 3 and 14):
/// the launcher's end alone decides, and a failure of any of them is one of the gang, which starts anew while there are retries.
/// </summary>
internal static class OneJob
{
    /// <summary>How long workers may take to end once the launcher has: the agent tells them, and most take milliseconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(10), LongestBackoff = TimeSpan.FromMinutes(6);

    public static bool Is(Draft draft) => draft.Run.Workers.Form == WorkerForm.JobIndexes;

    /// <summary>How long the gang's next start waits, as a Job's next pod would (Kubernetes, "Pod backoff failure policy"): this Job is made anew each time, and so never does.</summary>
    /// <param name="failures">So far, 1 or more.</param>
    public static TimeSpan BackoffAfter(int failures) => failures > 6 ? LongestBackoff : TimeSpan.FromTicks(Math.Min(FirstBackoff.Ticks << (failures - 1), LongestBackoff.Ticks));

    /// <summary>All pods at once, each once; the first failure is the Job's, which is made anew for the next attempt.</summary>
    public static void Shape(JsonObject jobSpec, MpiRun run)
    {
        jobSpec["completionMode"] = "Indexed";
        jobSpec["parallelism"] = run.Workers.Count + 1;
        jobSpec["completions"] = run.Workers.Count + 1;
        jobSpec["backoffLimit"] = 0;
    }

    /// <summary>The run with the number of pods that its Job was made with: a Job's indexes stay what they are until it is suspended.</summary>
    public static MpiRun Standing(RecordedRun recorded, MpiRun run) =>
        run.Workers.Form == WorkerForm.JobIndexes && recorded is { Announced: true, Suspended: not true, WorkerCount: { } count } ? run with { Workers = run.Workers with { Count = count } } : run;

    /// <summary>An edit that the Job cannot follow is not passed over in silence (8, row 12).</summary>
    public static void NoteChange(Draft draft)
    {
        if (!Is(draft) || draft.Scene.Launcher is not { Suspended: false, SpecDigest: { } made } || draft.Scene.Seen.Parsed is not ParseResult.Run wanted || made == LauncherJob.SpecDigest(wanted.Value)) return;
        draft.SpecChanged = new RunRemark("SpecImmutable", "the spec was edited after the pods were made, and they stay as they are. Suspend and resume the job to make them anew, or delete it and create it again");
        if (draft.Scene.Recorded.SpecChanged != draft.SpecChanged) draft.Say(PlanEvent.Warning(draft.SpecChanged.Reason, draft.SpecChanged.Message));
    }

    /// <summary>Not taken along by the failure of another.</summary>
    public static bool HasFailedByItself(PodView pod) => pod.Phase == PodPhase.Failed && (!pod.Meta.Deleting || pod.Disruption.Length > 0);

    /// <summary>Whether the launcher has succeeded: then nothing that becomes of workers matters any more.</summary>
    public static bool JudgeSuccess(Draft draft, LauncherView launcher)
    {
        if (SuccessDue(draft) is not { } due) return false;
        // The Job says so itself in a moment, and has all its pods counted then. What has not ended by itself is stopped with the result.
        if (launcher.End is not null || draft.Scene.Now >= due) draft.Outcome = new RunOutcome.Succeeded();
        else draft.Revisit(due);
        return true;
    }

    /// <summary>The launcher has succeeded and the Job does not say so, for so long that it may be the view of it that is behind.</summary>
    public static bool IsOverdue(Draft draft) => Is(draft) && draft.Scene.Launcher is { End: null } && draft.Scene.Now >= SuccessDue(draft);

    /// <summary>Until when the Job may be silent about its launcher's success; null where that has not succeeded.</summary>
    private static DateTimeOffset? SuccessDue(Draft draft) =>
        draft.Scene.LauncherPods.FirstOrDefault(static p => p.Phase == PodPhase.Succeeded) is { } pod ? (pod.End?.FinishedAt ?? pod.ChangedAt ?? draft.Scene.Now) + Patience : null;

    /// <summary>The Job has failed, though no worker was lost to infrastructure: by whose doing?</summary>
    public static void JudgeFailure(Draft draft, JobEnd end)
    {
        var workers = WorkerLoss.Find(draft);
        if (!workers.IsEmpty) GangRestart.Decide(draft, workers);
        else if (draft.Scene.LauncherPods.LastOrDefault(HasFailedByItself) is { } pod) GangRestart.ForOwnFailure(draft, LauncherFailure.Explain(pod), "LauncherFailed");
        // Whoever deletes a pod leaves nothing to explain it by.
        else GangRestart.ForInfrastructure(draft, [], $"a pod of Job {draft.Scene.Profile.Launcher} has gone ({end.Message})");
    }
}
