using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// A controller that was there before us and works on the same jobs, or its children. Two of them would undo each other's work for ever, so this one stands
/// back and says so; the end of a launcher that the other one made is recorded all the same.
/// </summary>
internal static class OtherController
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

    /// <returns>What is left to do; null where there is no such controller.</returns>
    public static Plan? StandBack(Draft draft)
    {
        if (Remark(draft) is not { } remark) return null;
        var recorded = draft.Scene.Recorded;
        draft.Revisit(draft.Scene.Now + LookAgain);
        // It writes the whole status, in which our word did not last: saying it again would go on for ever.
        if (draft.Scene.Seen.HasRival && recorded is { Announced: false, Blocked: null } && draft.Scene.Seen.Job.Root.At("status").ValueKind == JsonValueKind.Object) return new Plan { RevisitAt = draft.RevisitAt };
        draft.Blocked = remark;
        if (recorded.Blocked != remark) draft.Say(PlanEvent.Warning(remark.Reason, remark.Message));
        return RunStatus.Conclude(draft);
    }

    private static RunRemark? Remark(Draft draft)
    {
        var (scene, name) = (draft.Scene, draft.Scene.Profile.Job.Name);
        if (scene.Seen.Dialect.Rival is not { } rival) return null;
        if (scene.Seen.HasRival)
        {
            return new RunRemark("OtherController", $"{rival.Kind.Kind} {rival.Name} works on jobs of this kind, too, and both would make and change the same objects; nothing is done until it is gone: {rival.Remedy}");
        }

        if (scene.Launcher is { End: not null }) return null;
        var theirs = scene.WorkerSet?.ParentUid == scene.Uid ? $"StatefulSet {scene.Profile.WorkerSet}" : scene.Launcher?.ParentUid == scene.Uid ? $"Job {scene.Profile.Launcher}" : null;
        return theirs is null ? null : new RunRemark(
            "OtherController", $"{theirs} was made by {rival.System} (label {PlanningNames.ParentUid}), and is left as it is; its end is recorded. To run the job here, delete {name} and create it again");
    }
}
