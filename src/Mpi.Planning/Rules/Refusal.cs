using Mpi.Model;

namespace Mpi.Planning;

/// <summary>A creation that the API refused (quota, admission, a wrong field in a template) is shown where the user looks, once.</summary>
internal static class Refusal
{
    public static void Note(Draft draft)
    {
        var recorded = draft.Scene.Recorded.Blocked;
        if (draft.Scene.Seen.Refused is { } refused)
        {
            var message = Texts.Truncate($"{refused.What} created failed: {refused.Message}");
            draft.Blocked = new RunRemark("CreateRefused", message);
            if (recorded == draft.Blocked) return;
            draft.Say(PlanEvent.Warning("MPIJobFailed", message));
            // The actions would only be refused again, and end the plan before its status.
            draft.StatusFirst = true;
        }
        else if (recorded?.Reason == "CreateRefused" && draft.Actions.Any(static a => a is PlanAction.Create or PlanAction.CreateKeys))
        {
            // Not settled before it has gone through.
            draft.Blocked = recorded;
        }
    }
}
