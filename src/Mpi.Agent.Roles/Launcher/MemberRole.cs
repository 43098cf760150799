using System.Collections;
using System.Collections.Immutable;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// The role <c>member</c>: the main process of every pod of a job whose pods are all alike. A pod's part follows from its name. The
/// launcher's runs the job's command, holds the workers' connections meanwhile, and tells the workers when the command has ended; the others are
/// workers until they hear of that, also those that MPI gave no rank and never called.
/// </summary>
internal static class MemberRole
{
    /// <summary>As a shell reports a command that it cannot start.</summary>
    public const int NotStarted = 127;

    /// <summary>How long workers are waited for that are not connected when the command ends: they dial again within a second.</summary>
    private static readonly TimeSpan DismissalLimit = TimeSpan.FromSeconds(10);

    /// <summary>Passed on to the command; the numbers are Linux'.</summary>
    private static readonly int[] Signals = [1 /* HUP */, 2 /* INT */, 3 /* QUIT */, 10 /* USR1 */, 12 /* USR2 */, LibC.SigTerm];

    /// <summary>Whether this pod is the launcher. Where pods are not all alike, only the launcher's has what asks.</summary>
    public static bool Leads(AgentEnvironment agent) =>
        agent.Variable(AgentContract.LauncherVariable) is not { Length: > 0 } launcher || Hostfile.Short(launcher) == agent.Variable(AgentContract.NameVariable);

    public static Task<int> RunAsync(ImmutableArray<string> command, AgentEnvironment agent, CancellationToken cancellation) =>
        Leads(agent) ? LeadAsync(command, agent) : WorkerRole.RunAsync(agent, endsWithCommand: true, cancellation);

    private static async Task<int> LeadAsync(ImmutableArray<string> command, AgentEnvironment agent)
    {
        if (command.IsEmpty) throw new UsageException("member: there is no command to run.");
        // Before anything of ours is put into it.
        ImmutableArray<string> environment = [.. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(static v => $"{v.Key}={v.Value}")];
        var own = WorkerOptions.Required(agent, AgentContract.NameVariable);
        var hosts = Hostfile.Hosts(await File.ReadAllTextAsync(WorkerOptions.Required(agent, AgentContract.HostfileVariable)));
        return await LauncherRole.OpenAsync(WorkerOptions.Required(agent, AgentContract.DirectoryVariable), agent, async launcher =>
        {
            using var children = new Children(ownsProcess: true);
            return await LeadAsync(command, environment, launcher, [.. hosts.Where(host => Hostfile.Short(host) != own)], children, StandardStreams.OfThisProcess(), agent.Error);
        });
    }

    /// <summary>Runs the command, word by word as it was given, and returns its exit code.</summary>
    /// <param name="workers">Whom to tell of the end.</param>
    internal static async Task<int> LeadAsync(
        ImmutableArray<string> command, ImmutableArray<string> environment, LauncherRole launcher, ImmutableArray<string> workers, Children children, StandardStreams streams, TextWriter error)
    {
        using var stop = new CancellationTokenSource();
        var serving = launcher.ServeAsync(stop.Token);
        try
        {
            var (pid, ended) = children.Start(CommandSearch.Resolve(new StartRequest(command, Shell: false, [], ""), environment), streams.Input, streams.Output, streams.Error);
            SessionEnd end;
            // The command decides what a signal means; this process ends with it, and not before.
            using (new SignalForwarding(Signals, signal => ProcessTree.Signal(pid, signal))) end = await ended;
            await launcher.DismissAsync(workers, DismissalLimit);
            return end.ExitCode;
        }
        catch (IOException fault)
        {
            await error.WriteLineAsync($"kubempi-agent: {fault.Message}");
            return NotStarted;
        }
        finally
        {
            stop.End();
            await serving.WithoutThrowing();
        }
    }
}
