using System.Net;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;
using Mpi.Agent.Testing;
using PodView = Kube.Types.PodView;

namespace Simulation;

/// <summary>
/// The agent's own roles in the pods of a simulated cluster, over a network in memory. One loop among the cluster's: a step is one thing that some agent
/// goes on with, which one is the seed's word, and time passes when nobody in the whole world has anything left to do.
/// </summary>
internal sealed class AgentPods : ITimedLoop
{
    private readonly Dictionary<string, PodAgent> _pods = new(StringComparer.Ordinal);
    private readonly SimulatedCluster _world;
    private readonly Random _random;
    private readonly Signal _never;
    private readonly string? _transport;

    public AgentPods(SimulatedCluster world, Scenario scenario, Action<string> met)
    {
        (_world, _never, _transport) = (world, new Signal(world.Clock), scenario.Transport);
        // Not the draws of the cluster's own parts again.
        _random = new Random(~scenario.Seed);
        Thread = new OneThread(world.Clock, new Random(_random.Next()));
        var map = new PodNetworkMap(this, world, new Random(_random.Next()))
        {
            ServicesForward = !scenario.Mishaps.OfType<Mishap.ServicesAreDead>().Any(),
            NamesAreLateBy = TimeSpan.FromSeconds(scenario.Mishaps.OfType<Mishap.NamesAreLate>().Sum(static m => m.By)),
        };
        Network = new MemoryNetwork(Thread, world.Clock, new Random(_random.Next()), map) { Slowness = TimeSpan.FromMilliseconds(scenario.Mishaps.OfType<Mishap.NetworkIsSlow>().Any() ? 400 : 30) };
        Rules = new AgentRules(this, world.Report) { Met = met };
        var changed = world.Observer.Changed;
        world.Observer.Changed = (kind, before, after) =>
        {
            changed(kind, before, after);
            if (kind == Kinds.Pod) See(before, after);
        };
        world.Stepper.Add(this);
    }

    public OneThread Thread { get; }
    public MemoryNetwork Network { get; }
    public AgentRules Rules { get; }
    public VirtualClock Clock => _world.Clock;
    public DateTimeOffset Now => Clock.GetUtcNow();

    /// <summary>Those that were ever taken up, in that order.</summary>
    public IEnumerable<PodAgent> All => _pods.Values;

    public string Name => "agents";

    /// <summary>Whatever an agent waits for is a timer of the clock.</summary>
    public DateTimeOffset? NextDue => null;

    public ValueTask<bool> StepAsync(CancellationToken cancellation) => new(Thread.RunOne());

    public ValueTask WaitAsync(CancellationToken cancellation) => _never.WaitAsync(NextDue, cancellation);

    public TimeSpan Seconds(int most) => TimeSpan.FromMilliseconds(_random.Next(most * 1000));

    /// <summary>Those of a host of the hostfile, earlier ones included.</summary>
    public IEnumerable<PodAgent> Named(string host) => All.Where(p => p.Name == Hostfile.Short(host));

    /// <summary>What a pod of the job does: what runs in it decides, and it starts with a skew of its own. One that should have an agent and has none does what its script says.</summary>
    public PodScript Script(PodView pod, bool launcher, PodScript script)
    {
        var surroundings = new PodSurroundings(pod, _world, refresh: TimeSpan.FromSeconds(60) + Seconds(30));
        if (_transport == "agent" && surroundings.Variable(AgentContract.CredentialsVariable) is null) return script;
        var agent = new PodAgent(this, pod, surroundings, (self, environment) => _transport switch
        {
            "ssh" => new OverSsh(self, launcher, this, surroundings, environment),
            "exec" => new OverExec(self, launcher, this, environment),
            _ => new OverAgent(self, this, surroundings, environment),
        });
        _pods.Add(agent.Uid, agent);
        return agent.Decide(script) with { StartDelay = TimeSpan.FromMilliseconds(500) + Seconds(_random.Next(12) == 0 ? 90 : 8) };
    }

    public AgentEnvironment Environment(PodAgent pod, Func<string, string?> variable) =>
        SimulatedProcess.Environment(Clock, new Random(_random.Next()), Network.Of(pod.Uid), line => Tell(pod, line), variable);

    public void Tell(PodAgent pod, string what) => _world.Tell(pod.ToString(), what);

    /// <summary>The connections of the job's n-th worker break.</summary>
    public void Break(int worker) => Present(p => !p.Leads).Skip(worker).FirstOrDefault()?.Break();

    /// <summary>The pods of a node are cut off from all others for a while.</summary>
    public void CutOff(int node, TimeSpan time)
    {
        var cut = OnNode(node);
        cut.ForEach(static p => p.CutOff());
        Later(time, () => cut.ForEach(static p => p.Join()));
    }

    /// <summary>Nothing is heard of a node any more. What ran there has ended, or lives on until the node is back and its kubelet sees which pods are gone.</summary>
    public void Lose(int node, TimeSpan? back)
    {
        var lost = OnNode(node);
        lost.ForEach(p => p.Lose(livesOn: back is not null));
        if (back is { } time) Later(time, () => lost.ForEach(static p => p.Kill()));
    }

    /// <summary>Somebody who is no member connects to the launchers that there are.</summary>
    public void Knock() => Thread.Start(() =>
    {
        foreach (var launcher in Present(static p => p.Leads && p.Address is not null)) _ = Stranger.KnockAsync(Network, new IPEndPoint(launcher.Address!, AgentContract.DefaultPort), _random, CancellationToken.None);
    });

    private void See(KubeObject? before, KubeObject? after)
    {
        if (before is not null && after?.Meta.Uid != before.Meta.Uid && _pods.TryGetValue(before.Meta.Uid, out var gone)) gone.See(null);
        if (after is not null && _pods.TryGetValue(after.Meta.Uid, out var agent)) agent.See(new PodView(after));
    }

    private List<PodAgent> OnNode(int node) => [.. Present(p => p.Node == $"node-{node}")];

    private IEnumerable<PodAgent> Present(Func<PodAgent, bool> is_) => All.Where(p => p.IsPresent && is_(p));

    private void Later(TimeSpan time, Action act) => Clock.CreateTimer(static act => ((Action)act!)(), act, time, Timeout.InfiniteTimeSpan);
}
