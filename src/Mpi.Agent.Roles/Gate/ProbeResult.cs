using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>How one worker is tried.</summary>
public enum ProbeMethod
{
    /// <summary>A real login that runs <c>true</c>.</summary>
    Login,

    /// <summary>Only sshd's greeting: where there is no ssh client, or the worker runs no commands.</summary>
    Banner,

    /// <summary>A round trip over the agent's own connection.</summary>
    Greeting,

    /// <summary>A command through the Kubernetes API.</summary>
    Exec,
}

/// <summary>How one try of one worker ended.</summary>
public abstract record ProbeResult
{
    private ProbeResult() { }

    public sealed record Reached : ProbeResult;

    /// <summary>The login was accepted and the command was not: from now on the worker's banner is proof.</summary>
    public sealed record CommandForbidden : ProbeResult;

    /// <summary>No try: a connection that stood has ended.</summary>
    public sealed record Lost(string Reason) : ProbeResult;

    public sealed record Failed(UnreachableCause Cause, string Reason) : ProbeResult;
}
