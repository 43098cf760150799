using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>When the launcher Job is made, started and, after a suspension, started again (spec 3.2, 3.7).</summary>
internal static class LauncherStart
{
    /// <param name="workersComplete">Every worker is there or made by this plan.</param>
    public static void Ensure(Draft draft, bool workersComplete)
    {
        var launcher = draft.Scene.Launcher;
        if (draft.Run.Suspended)
        {
            if (launcher is null) Create(draft, suspend: true);
            return;
        }

        if (launcher is { Suspended: false }) return;
        // A worker on its way out would be taken for one that is lost.
        if (!workersComplete || !MayStart(draft)) return;
        if (launcher is null) Create(draft, suspend: false);
        else Resume(draft, launcher);
    }

    private static bool MayStart(Draft draft) => draft.Run.Launcher.Creation switch
    {
        LauncherCreation.AtStartup => true,
        LauncherCreation.WaitForWorkersReady => draft.Members.All(i => draft.Scene.Worker(i) is { Ready: true }),
        _ => draft.Members.All(i => draft.Scene.Worker(i) is { Phase: PodPhase.Running }),
    };

    private static void Create(Draft draft, bool suspend)
    {
        draft.Do(new PlanAction.Create(Kinds.Job, LauncherJob.Manifest(draft, suspend)));
        SayAboutTemplate(draft);
    }

    private static void Resume(Draft draft, LauncherView launcher)
    {
        var key = draft.Scene.Key(launcher.Meta.Name);
        if (launcher.Meta.Deleting) return;
        if (LauncherJob.MustBeRemade(draft, launcher))
        {
            // Only directives may be changed in a Job's template: more than that needs a new Job. It has no pods to lose.
            draft.Attempt = draft.Attempt with { LauncherUid = null, Clearing = true, Replaces = launcher.Meta.Uid };
            draft.StatusFirst = true;
            Clearing.DeleteLauncher(draft, launcher);
        }
        else if (launcher.StartTime is not null)
        {
            // The template is immutable once the Job has started; a suspended one may be told that it has not. From Kubernetes
            // 1.36 on the Job controller clears the time itself. The watch event of this write resumes the plan.
            draft.Do(new PlanAction.Patch(Kinds.Job, key, ChildManifest.Patch(launcher.Meta, "status", new JsonObject { ["startTime"] = null }), "status"));
        }
        else
        {
            draft.Do(new PlanAction.Patch(Kinds.Job, key, LauncherJob.ResumePatch(draft, launcher)));
            SayAboutTemplate(draft);
        }
    }

    /// <summary>What the user should know about the launcher's template whenever it is rendered.</summary>
    private static void SayAboutTemplate(Draft draft)
    {
        if (draft.Run.Launcher.Template.Has("spec", "restartPolicy"))
        {
            draft.Say(PlanEvent.Warning("SetPodTemplateRestartPolicy", "Restart policy in pod template overridden by restart policy in replica spec"));
        }

        if (draft.Scene.Options is { Strict: false, Gate.Enabled: true } && draft.Run is { Gated: true, Workers.Count: > 0 } && Gate.SkipReason(draft.Run) is { } why)
        {
            draft.Say(PlanEvent.Normal("GateSkipped", Texts.Truncate($"the launcher starts without waiting for its workers: {why}")));
        }
    }
}
