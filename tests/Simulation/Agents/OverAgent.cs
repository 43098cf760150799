using System.Collections.Immutable;
using Kube.Nodes.Virtual;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;
using Mpi.Agent.Testing;
using Mpi.Planning;
using GateOptions = Mpi.Agent.Roles.GateOptions;

namespace Simulation;

/// <summary>The agent's own roles: the launcher's process holds its workers' connections beside mpirun, and its report is the container's message.</summary>
internal sealed class OverAgent(PodAgent pod, AgentPods world, PodSurroundings surroundings, AgentEnvironment environment) : IPodRoles
{
    /// <summary>How long those that are alike are told that the command has ended (MemberRole).</summary>
    private static readonly TimeSpan DismissalLimit = TimeSpan.FromSeconds(10);

    public string Name { get; } = WorkerOptions.Required(environment, AgentContract.NameVariable);

    public bool Leads { get; } = MemberRole.Leads(environment);

    /// <summary>A connection that ended is no proof any more.</summary>
    public DateTimeOffset ProofsHoldFrom(DateTimeOffset gate) => world.Now;

    public async Task<GateReport> WaitInGateAsync(ImmutableArray<string> hosts, GateOptions options, Func<bool> allRun)
    {
        using var listener = Listen(AgentRole.Gate);
        return await new AgentGate(listener, hosts, options.Pace, environment).WaitAsync(allRun, CancellationToken.None);
    }

    public async Task<ContainerRun> LeadAsync()
    {
        var (began, lost, message) = (world.Now, new List<LostWorker>(), "");
        var mpirun = await Mpirun.StartAsync(pod, world);
        var report = new LossReport(told => message = told, TextWriter.Null);
        using var listener = Listen(AgentRole.Launcher);
        using var launcher = new LauncherRole(listener, new LauncherFiles("/nowhere"), worker =>
        {
            lost.Add(worker);
            report.Add(worker);
            world.Tell(pod, $"has lost {worker.Host}: {worker.Reason}");
        }, world.Clock);
        using var ends = new CancellationTokenSource();
        _ = launcher.ServeWorkersAsync(ends.Token);
        var code = await mpirun.RunAsync((host, words) => StubCall.RunAsync(world.Network, pod.Uid, launcher, host, words, ends.Token));
        var failures = mpirun.Failures.ToList();
        if (IsMember) await launcher.DismissAsync(mpirun.Hosts, DismissalLimit);
        world.Rules.Finished(pod, began, code, failures, lost, message);
        return new ContainerRun(null, code) { Message = message };
    }

    public async Task<ContainerRun> ServeAsync()
    {
        var options = WorkerOptions.Read(environment) with { EndsWithCommand = IsMember };
        var daemons = new StubDaemons(world.Clock, request => world.Rules.Started(pod, request.Words));
        await new WorkerRole(options, Handshake(), world.Network.Names, daemons, environment).ServeAsync(CancellationToken.None);
        return new ContainerRun(null);
    }

    /// <summary>Whether all pods are alike: then workers end when the launcher's command has.</summary>
    private bool IsMember => surroundings.Variable(AgentContract.HostfileVariable) is not null;

    /// <summary>The launcher's side of its workers' connections.</summary>
    private WorkerListener Listen(AgentRole role) => new(environment.Network.Listen(AgentPort.Read(environment)), Handshake(), new Hello(role, Name, Guid.NewGuid()), environment.Time);

    private Handshake Handshake() => new(new SecretProof(surroundings.Secret(PlanningNames.CredentialsVolume) ?? "none"), environment.Time, LivenessPace.Default);
}
