using System.Collections.Immutable;
using Kube.Nodes.Virtual;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;
using GateOptions = Mpi.Agent.Roles.GateOptions;

namespace Simulation;

/// <summary>Launcher and workers over the Kubernetes API, which runs a command in whichever pod has the name now. Workers only wait.</summary>
internal sealed class OverExec(PodAgent pod, bool launcher, AgentPods world, AgentEnvironment environment) : OverShell(pod, launcher, world, environment), IWorkerProbe
{
    /// <summary>The API server asks for its own.</summary>
    private const string Keys = "token";

    public override Task<GateReport> WaitInGateAsync(ImmutableArray<string> hosts, GateOptions options, Func<bool> allRun) =>
        new GateRole(new GateMachine(hosts, ProbeMethod.Exec, options.Pace, Environment.Random), this, allRun, Environment.Output, World.Clock).WaitAsync(CancellationToken.None);

    public override Task<ContainerRun> ServeAsync() => new TaskCompletionSource<ContainerRun>().Task;

    public async Task<ProbeResult> TryAsync(GateTry one, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(one.Limit, World.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await RunAsync(one.Host, ["true"], both.Token) is var (cause, why) ? SshDiagnosis.Failed(cause, why) : new ProbeResult.Reached();
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return SshDiagnosis.Failed(UnreachableCause.Silent, "no command has run");
        }
    }

    protected override async Task<string?> CallAsync(string host, IReadOnlyList<string> words, CancellationToken cancellation) =>
        await RunAsync(host, words, cancellation) is var (_, why) ? $"{host}: {why}" : null;

    private async Task<(UnreachableCause Cause, string Why)?> RunAsync(string host, IReadOnlyList<string> words, CancellationToken cancellation)
    {
        var name = Hostfile.Short(host);
        if (World.Named(host).LastOrDefault(static p => p.IsPresent) is not { Roles: OverExec worker } there) return (UnreachableCause.Other, $"pods \"{name}\" not found");
        var (here, far) = World.Network.Connect(Pod.Uid, there.Uid);
        if (!there.TryRun(() => _ = worker.AnswerAsync(far, Keys))) return (UnreachableCause.NotRunning, $"container not running in {name}");
        await using (here)
        {
            try
            {
                return await AskAsync(here, Keys, words, cancellation) == "0" ? null : (UnreachableCause.Closed, "the connection ended before the command did");
            }
            catch (IOException fault)
            {
                return (UnreachableCause.Closed, fault.Message);
            }
        }
    }
}
