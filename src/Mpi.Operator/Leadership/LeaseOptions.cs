namespace Mpi.Operator;

/// <summary>
/// The times of a leader election, with the old operator's defaults (spec/kubeflow-mpijob.md 4.2), so that both can stand
/// on one Lease during a changeover.
/// </summary>
public sealed record LeaseOptions
{
    /// <summary>The namespace of the Lease (<c>--lock-namespace</c>).</summary>
    public string Namespace { get; init; } = "mpi-operator";

    public string Name { get; init; } = "mpi-operator";

    /// <summary>How long a candidate waits after the last renewal that it saw before it takes over.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a leader goes on trying to renew before it gives up. Shorter than <see cref="Duration"/>.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The pause between tries. Shorter than <see cref="RenewDeadline"/>.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(3);
}
