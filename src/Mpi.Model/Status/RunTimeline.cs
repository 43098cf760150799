namespace Mpi.Model;

/// <summary>
/// When an attempt's start reached each step: the time at which the last worker had reached it. A step is null while it is not reached,
/// and stays null where nobody saw it.
/// </summary>
public sealed record RunTimeline
{
    public static readonly RunTimeline Empty = new();

    /// <summary>The worker pods were made.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>They had their nodes.</summary>
    public DateTimeOffset? Scheduled { get; init; }

    /// <summary>Their first containers ran.</summary>
    public DateTimeOffset? Running { get; init; }

    /// <summary>The gate had proven that all of them can be reached; null without a gate, and where it did not wait for all.</summary>
    public DateTimeOffset? Reachable { get; init; }

    /// <summary>The launcher's own command began.</summary>
    public DateTimeOffset? Launched { get; init; }

    /// <summary>These times, and another's where these know none.</summary>
    public RunTimeline Or(RunTimeline other) => new()
    {
        Created = Created ?? other.Created,
        Scheduled = Scheduled ?? other.Scheduled,
        Running = Running ?? other.Running,
        Reachable = Reachable ?? other.Reachable,
        Launched = Launched ?? other.Launched,
    };
}
