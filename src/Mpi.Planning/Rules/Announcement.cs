namespace Mpi.Planning;

/// <summary>
/// The first thing that happens to a job: its first attempt is recorded, and nothing is made before that write has landed
/// (design section 3). A job that another controller began is taken over as it stands.
/// </summary>
internal static class Announcement
{
    public static void Make(Draft draft)
    {
        if (!draft.Scene.Recorded.Announced || draft.Scene.Recorded.Attempt is null) draft.StatusFirst = true;
        if (!draft.Scene.Recorded.Announced)
        {
            foreach (var warning in draft.Run.Warnings) draft.Say(PlanEvent.Warning(warning.Reason, $"{warning.Path} {warning.Message}"));
        }

        if (!draft.Scene.Recorded.Announced && HostNames.TooLong(draft) is { } tooLong) draft.Say(tooLong);
    }
}
