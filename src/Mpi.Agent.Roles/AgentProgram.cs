using System.Net.Sockets;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>The agent's command line: one role a call. Small on purpose; users never type it.</summary>
public static class AgentProgram
{
    public const int Success = 0;
    public const int Failure = 1;
    public const int Usage = 2;

    /// <summary>128 + SIGTERM, as a shell reports it.</summary>
    public const int Terminated = 143;

    /// <summary>Runs one role and returns its exit code. Cancellation is SIGTERM: the role ends at once.</summary>
    public static async Task<int> RunAsync(string[] args, AgentEnvironment environment, CancellationToken cancellation)
    {
        try
        {
            return args switch
            {
                [AgentContract.DeliverRole, var directory] => Deliver.Run(directory, environment),
                [AgentContract.GateRole, .. var options] => await GateRole.RunAsync(GateOptions.Parse(options), environment, cancellation),
                [AgentContract.WorkerRole] => await WorkerRole.RunAsync(environment, endsWithCommand: false, cancellation),
                [AgentContract.MemberRole, _, .. var command] => await MemberRole.RunAsync([.. command], environment, cancellation),
                [AgentContract.LauncherRole, var directory] => await LauncherRole.RunAsync(directory, environment, cancellation),
                [AgentContract.RemoteShellRole, .. var call] => await RemoteShell.RunAsync(call, environment, cancellation),
                [AgentContract.ExecShellRole, .. var call] => await ExecShell.RunAsync(call, environment, cancellation),
                _ => throw new UsageException("usage: kubempi-agent deliver DIR | kubempi-agent gate --transport ssh|agent|exec --hostfile FILE "
                    + "[--skip HOST]... [--notice FILE] [--ssh-args ARGS] [--timeout 10m] | kubempi-agent worker | kubempi-agent member SCRIPT COMMAND... | kubempi-agent launcher DIR "
                    + "| kubempi-agent remote-shell|exec-shell SCRIPT [SSH OPTIONS] HOST COMMAND..."),
            };
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return Terminated;
        }
        catch (UsageException fault)
        {
            await environment.Error.WriteLineAsync($"kubempi-agent: {fault.Message}");
            return Usage;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or SocketException)
        {
            await environment.Error.WriteLineAsync($"kubempi-agent: {fault.Message}");
            return Failure;
        }
    }
}

/// <summary>The command line itself is wrong; the message says how.</summary>
public sealed class UsageException(string message) : Exception(message);
