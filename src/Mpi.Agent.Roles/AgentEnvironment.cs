using System.Runtime.CompilerServices;

namespace Mpi.Agent.Roles;

/// <summary>Everything that a role takes from outside.</summary>
public sealed record AgentEnvironment
{
    public required Func<string, string?> Variable { get; init; }
    public required TextWriter Output { get; init; }
    public required TextWriter Error { get; init; }
    public required TimeProvider Time { get; init; }
    public required Random Random { get; init; }
    public required IProcessRunner Processes { get; init; }
    public IAgentNetwork Network { get; init; } = new TcpNetwork();

    /// <summary>A file whose copies are this program, too; null when there is none (a build that needs a runtime beside it).</summary>
    public required string? Program { get; init; }

    /// <summary>The surroundings of the running process.</summary>
    public static AgentEnvironment OfThisProcess() => new()
    {
        Variable = Environment.GetEnvironmentVariable,
        Output = Console.Out,
        Error = Console.Error,
        Time = TimeProvider.System,
        Random = Random.Shared,
        Processes = new ProcessRunner(),
        // Only native compilation has no dynamic code; there the executable is the whole program.
        Program = RuntimeFeature.IsDynamicCodeSupported ? null : Environment.ProcessPath,
    };
}
