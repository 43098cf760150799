using System.Collections.Immutable;

namespace Mpi.Model;

/// <summary>What container 0 of a run's pods is given besides the user's template: environment, mounts, a default command.</summary>
public sealed record RunWiring
{
    /// <summary>In the order in which it is appended.</summary>
    public required ImmutableArray<EnvRule> LauncherEnv { get; init; }
    public required ImmutableArray<EnvRule> WorkerEnv { get; init; }

    /// <summary>What a worker runs that has neither command nor args.</summary>
    public required ImmutableArray<string> WorkerCommand { get; init; }

    public required string SshVolume { get; init; }
    public required string ConfigVolume { get; init; }
    public required string ConfigMountPath { get; init; }
}

/// <param name="Name">The variable.</param>
/// <param name="Value">Its value; may be empty.</param>
/// <param name="Origin">What happens when the user set it, and whether strict compatibility leaves it out.</param>
public sealed record EnvRule(string Name, string Value, EnvOrigin Origin = EnvOrigin.Promised);

public enum EnvOrigin
{
    /// <summary>
    /// The peer sets it last and so over the user's value. Ours keeps the user's, who has a reason; strict compatibility overrides.
    /// </summary>
    Promised,

    /// <summary>Says which role a pod has: always ours.</summary>
    Identity,

    /// <summary>The peer does not set it: the user's value stays, and strict compatibility leaves it out.</summary>
    Added,
}
