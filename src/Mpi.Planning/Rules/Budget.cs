namespace Mpi.Planning;

/// <summary>What earlier attempts have left of the user's limits (design section 3).</summary>
internal static class Budget
{
    /// <summary>The Job API's own default.</summary>
    private const int DefaultBackoffLimit = 6;

    public static int BackoffLimit(Draft draft) => draft.Run.Retry.BackoffLimit ?? DefaultBackoffLimit;

    /// <summary>For the Job of this attempt; null leaves the API's default, as long as nothing was spent.</summary>
    public static int? RetriesLeft(Draft draft) => draft.Attempt.Failures == 0
        ? draft.Run.Retry.BackoffLimit
        : Math.Max(0, BackoffLimit(draft) - draft.Attempt.Failures);

    /// <summary>Seconds, at least 1; null when there is no limit.</summary>
    public static long? DeadlineLeft(Draft draft) => draft.Run.Retry.ActiveDeadlineSeconds is { } limit
        ? draft.Attempt.ActiveSeconds == 0 ? limit : Math.Max(1, limit - draft.Attempt.ActiveSeconds)
        : null;

    /// <param name="active">Seconds of all attempts so far.</param>
    public static bool IsDeadlineSpent(Draft draft, long active) => draft.Run.Retry.ActiveDeadlineSeconds is { } limit && active > 0 && active >= limit;
}
