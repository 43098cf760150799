using System.Collections.Immutable;
using System.Threading.Channels;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// The role <c>gate</c>: an init container in the launcher's own image that ends once every worker is proven reachable.
/// This is the loop around <see cref="GateMachine"/>: it has the clock, the tries and the output.
/// </summary>
public sealed class GateRole(GateMachine machine, IWorkerProbe probe, Func<bool> allRun, TextWriter output, TimeProvider time)
{
    /// <summary>Between two looks for the operator's notice; the kubelet renews the file once a minute or so.</summary>
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(5);

    // As many as tries can be under way (GatePace.Parallelism), and as workers that are lost meanwhile.
    private readonly Channel<(string Host, ProbeResult Result)> ended = Channel.CreateUnbounded<(string, ProbeResult)>();

    /// <summary>
    /// What the launcher's ssh will be given by MPI. A user who sets a port here must get it in the gate as well.
    /// </summary>
    private static readonly string[] SshArgsVariables =
        ["OMPI_MCA_plm_rsh_args", "PRTE_MCA_plm_ssh_args", "HYDRA_LAUNCH_EXTRA_ARGS", "I_MPI_HYDRA_BOOTSTRAP_EXEC_EXTRA_ARGS"];

    public static async Task<int> RunAsync(GateOptions options, AgentEnvironment environment, CancellationToken cancellation)
    {
        // Where all pods are alike they all have a gate, and only the launcher waits in it.
        if (!MemberRole.Leads(environment)) return AgentProgram.Success;
        var hosts = options.Awaited(await File.ReadAllTextAsync(options.HostfilePath, cancellation));
        var found = options.Transport switch
        {
            GateTransport.Agent => await OverAgentAsync(hosts, options, environment, cancellation),
            GateTransport.Exec => await OverExecAsync(hosts, options, environment, cancellation),
            _ => await OverSshAsync(hosts, options, environment, cancellation),
        };
        await WriteAsync(new AgentReport { Gate = found }, environment, cancellation);
        return AgentProgram.Success;
    }

    private static async Task<GateReport> OverAgentAsync(ImmutableArray<string> hosts, GateOptions options, AgentEnvironment environment, CancellationToken cancellation)
    {
        NoAuthorities.Forget();
        using var credentials = AgentCredentials.LoadOwn(environment);
        var own = new Hello(AgentRole.Gate, WorkerOptions.Required(environment, AgentContract.NameVariable), Guid.NewGuid());
        using var listener = new WorkerListener(environment.Network.Listen(AgentPort.Read(environment)), new Handshake(new JobTls(credentials), environment.Time, LivenessPace.Default), own, environment.Time);
        return await new AgentGate(listener, hosts, options.Pace, environment).WaitAsync(() => HasNotice(options.NoticePath), cancellation);
    }

    private static async Task<GateReport> OverExecAsync(ImmutableArray<string> hosts, GateOptions options, AgentEnvironment environment, CancellationToken cancellation)
    {
        NoAuthorities.Forget();
        var probe = new ExecProbe(PodCommands.OfThisPod(environment));
        // Each try is a request to the API server, and a full cluster may keep many workers waiting for days: a gang asks some 50 times a second at most.
        var sparing = TimeSpan.FromMilliseconds(20 * hosts.Length);
        var pace = sparing > options.Pace.LongestPause ? options.Pace with { LongestPause = sparing } : options.Pace;
        var machine = new GateMachine(hosts, ProbeMethod.Exec, pace, environment.Random);
        return await new GateRole(machine, probe, () => HasNotice(options.NoticePath), environment.Output, environment.Time).WaitAsync(cancellation);
    }

    private static async Task<GateReport> OverSshAsync(ImmutableArray<string> hosts, GateOptions options, AgentEnvironment environment, CancellationToken cancellation)
    {
        var ssh = environment.Processes.Find("ssh");
        if (ssh is null && hosts.Length > 0) await environment.Output.WriteLineAsync("this image has no ssh on its PATH; only the workers' sshd greetings on port 22 can be checked");

        var names = new NameResolver("/etc/hosts", "/etc/resolv.conf", environment.Time, environment.Random);
        var probe = new SshProbe(ssh, SshArgs(options, environment), environment.Processes, new BannerReader(names, environment.Time), environment.Time);
        var machine = new GateMachine(hosts, ssh is null ? ProbeMethod.Banner : ProbeMethod.Login, options.Pace, environment.Random);
        return await new GateRole(machine, probe, () => HasNotice(options.NoticePath), environment.Output, environment.Time).WaitAsync(cancellation);
    }

    /// <summary>A worker that may have been proven is not reachable any more. From any thread; after the end of the wait it means nothing.</summary>
    internal void Lost(string host, string reason) => ended.Writer.TryWrite((host, new ProbeResult.Lost(reason)));

    /// <summary>Waits until the machine opens, and returns what was found.</summary>
    public async Task<GateReport> WaitAsync(CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        var known = false;
        var lookAgainAt = TimeSpan.Zero;
        var underWay = new List<Task>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            while (true)
            {
                var now = time.GetElapsedTime(start);
                if (!known && now >= lookAgainAt) (known, lookAgainAt) = (allRun(), now + BetweenLooks);
                var step = machine.Step(now, known);
                if (step.Say is not null) await output.WriteLineAsync(step.Say);
                if (step.Opened is { } opened) return machine.Report(opened);

                underWay.RemoveAll(static task => task.IsCompletedSuccessfully);
                underWay.AddRange(step.Begin.Select(one => TryAsync(one, ended.Writer, stop.Token)));
                await WaitForEndOrAsync(step.WakeAt - time.GetElapsedTime(start), ended.Reader, cancellation);
                while (ended.Reader.TryRead(out var one))
                {
                    if (one.Result is ProbeResult.Lost lost) machine.Lost(one.Host, lost.Reason, time.GetElapsedTime(start));
                    else machine.Ended(one.Host, one.Result, time.GetElapsedTime(start));
                }
            }
        }
        finally
        {
            // No ssh may outlive the gate.
            stop.End();
            await Task.WhenAll(underWay).WithoutThrowing();
        }
    }

    private async Task TryAsync(GateTry one, ChannelWriter<(string, ProbeResult)> ended, CancellationToken cancellation)
    {
        ProbeResult result;
        try
        {
            result = await probe.TryAsync(one, cancellation);
        }
        catch (IOException fault)
        {
            result = SshDiagnosis.Failed(UnreachableCause.Other, fault.Message);
        }

        await ended.WriteAsync((one.Host, result), cancellation);
    }

    private async Task WaitForEndOrAsync(TimeSpan pause, ChannelReader<(string, ProbeResult)> ended, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(pause.InFull(), time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            await ended.WaitToReadAsync(both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The pause is over.
        }
    }

    private static ImmutableArray<string> SshArgs(GateOptions options, AgentEnvironment environment) =>
        options.SshArgs.Length > 0
            ? options.SshArgs
            : SshArgsVariables.Select(environment.Variable).FirstOrDefault(static value => !string.IsNullOrWhiteSpace(value)) is { } value ? GateOptions.Words(value) : [];

    private static bool HasNotice(string? path)
    {
        try
        {
            return path is not null && File.ReadLines(path).Contains(AgentContract.AllWorkersRunNotice, StringComparer.Ordinal);
        }
        catch (IOException)
        {
            // The notice is a second opinion; a volume that is just being replaced has none for a moment.
            return false;
        }
    }

    private static async Task WriteAsync(AgentReport report, AgentEnvironment environment, CancellationToken cancellation)
    {
        var path = environment.Variable(AgentContract.TerminationLogVariable) ?? AgentContract.TerminationLogPath;
        try
        {
            await File.WriteAllTextAsync(path, report.ToTerminationMessage(), cancellation);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // The workers are reachable all the same; only the report is lost.
            await environment.Error.WriteLineAsync($"kubempi-agent: no report in {path}: {fault.Message}");
        }
    }
}
