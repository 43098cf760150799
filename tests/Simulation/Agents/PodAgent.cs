using System.Globalization;
using System.Net;
using Kube.Nodes.Virtual;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;
using Mpi.Agent.Testing;
using Mpi.Planning;
using Mpi.Testing;
using GateOptions = Mpi.Agent.Roles.GateOptions;
using PodView = Kube.Types.PodView;

namespace Simulation;

/// <summary>
/// What runs in one pod, by the pod's own manifest: the gate in its init container; then a worker, or a launcher with its mpirun. A process runs while the
/// pod's status says that its container does, and what it ends with is what the status then says.
/// </summary>
internal sealed class PodAgent
{
    private readonly AgentPods _world;
    private readonly PodSurroundings _surroundings;
    private readonly Dictionary<int, ContainerRun> _ended = [];
    private (bool Gate, int Number)? _container;
    private OneProcess? _process;
    private GateReport? _gate;
    private bool _throughGate;

    // Its node is gone, or cut off from it: what the API says of the pod reaches nobody.
    private bool _lost;

    // By how many mishaps it is cut off.
    private int _cuts;

    /// <param name="roles">What its containers do, in their environment.</param>
    public PodAgent(AgentPods world, PodView pod, PodSurroundings surroundings, Func<PodAgent, AgentEnvironment, IPodRoles> roles)
    {
        (_world, _surroundings, View) = (world, surroundings, pod);
        Roles = roles(this, world.Environment(this, surroundings.Variable));
    }

    public IPodRoles Roles { get; }

    /// <summary>The pod as it was seen last.</summary>
    public PodView View { get; private set; }

    public string Uid => View.Meta.Uid;

    /// <summary>Under which it is called.</summary>
    public string Name => Roles.Name;

    /// <summary>Whether it is the launcher's.</summary>
    public bool Leads => Roles.Leads;

    /// <summary>It is there in the API.</summary>
    public bool IsPresent => GoneSince is null;

    public DateTimeOffset? GoneSince { get; private set; }

    public IPAddress? Address { get; private set; }

    public DateTimeOffset AddressSince { get; private set; }

    /// <summary>Since when its worker cannot be reached, and by when everybody knows; null while it can.</summary>
    public (DateTimeOffset Since, DateTimeOffset KnownBy)? Away { get; private set; } = (DateTimeOffset.MinValue, DateTimeOffset.MinValue);

    /// <summary>Of a launcher: it succeeded, or said which workers it had lost.</summary>
    public bool HasToldItsEnd { get; private set; }

    public string Node => View.NodeName;

    /// <summary>What the pod does: as a script has it, but for what its agent decides.</summary>
    public PodScript Decide(PodScript script) => script with
    {
        Runs = [],
        InitDone = Gate is null ? null : () => _throughGate,
        InitWaits = PlanningNames.GateContainer,
        InitMessage = () => _gate is null ? "" : new AgentReport { Gate = _gate }.ToTerminationMessage(),
        RunEnded = number => _ended.GetValueOrDefault(number),
    };

    /// <summary>The pod as it is now; null when it is gone.</summary>
    public void See(PodView? pod)
    {
        if (pod is null) GoneSince = _world.Now;
        else View = pod;
        if (Address is null && View.Status.Text("podIP") is { } ip) (Address, AddressSince) = (IPAddress.Parse(ip), _world.Now);
        if (_lost) return;
        var container = pod is null ? null : Running(pod);
        if (container == _container) return;
        Kill();
        _container = container;
        if (container is not var (gate, number)) return;
        if (!gate && !Leads) Away = null;
        _process = _world.Thread.Start(() => _ = RunAsync(gate, number));
    }

    /// <summary>Has its running container do something besides; false where none runs that anybody could reach.</summary>
    public bool TryRun(Action act)
    {
        if (_lost || _container is not (false, _) || _process is not { IsKilled: false } process) return false;
        process.Post(static act => ((Action)act!)(), act);
        return true;
    }

    /// <summary>Its connections break, and it lives on.</summary>
    public void Break()
    {
        _world.Rules.Disturbed(this);
        _world.Network.Cut(Uid, silently: false);
    }

    /// <summary>No packet reaches it or comes from it any more.</summary>
    public void CutOff()
    {
        _cuts++;
        _world.Rules.Disturbed(this);
        Away ??= (_world.Now, _world.Now + AgentRules.SilenceIsKnown);
        _world.Network.CutOff(Uid);
    }

    /// <summary>As much as one mishap has cut it off.</summary>
    public void Join()
    {
        if (--_cuts > 0) return;
        _world.Rules.Disturbed(this);
        if (_process is { IsKilled: false } && _container is (false, _) && !Leads) Away = null;
        _world.Network.Join(Uid);
    }

    /// <summary>Its node is gone for everybody else; where it lives on there, nobody hears of it.</summary>
    public void Lose(bool livesOn)
    {
        CutOff();
        _lost = true;
        if (!livesOn) _process?.Kill();
    }

    /// <summary>As a kubelet does with a container whose time is over, also when its node comes back and its pod is gone.</summary>
    public void Kill()
    {
        if (_process is not { IsKilled: false }) return;
        _world.Rules.Disturbed(this);
        End();
    }

    public override string ToString() => $"{Name} ({Uid[..4]})";

    /// <summary>A file as the pod has it.</summary>
    public string Read(string path) => _surroundings.File(path) ?? throw new IOException($"{path} is not there");

    private GateOptions? Gate => _surroundings.Init(PlanningNames.GateContainer) is { } gate ? GateOptions.Parse([.. gate.Words("command").SkipWhile(static w => w != AgentContract.GateRole).Skip(1)]) : null;

    /// <summary>The job's hostfile.</summary>
    public string Hostfile => Gate?.HostfilePath ?? _surroundings.Variable(AgentContract.HostfileVariable) ?? _surroundings.Variable("OMPI_MCA_orte_default_hostfile") ?? throw new InvalidOperationException($"{this} knows no hostfile");

    private async Task RunAsync(bool gate, int number)
    {
        try
        {
            if (gate) await WaitInGateAsync();
            else Exit(number, Leads ? await Roles.LeadAsync() : await Roles.ServeAsync());
        }
        catch (Exception fault)
        {
            _world.Rules.Break("AgentsRun", $"{this}: {fault}");
        }
    }

    /// <summary>The container's first process has ended, and the others go with it.</summary>
    private void Exit(int number, ContainerRun run)
    {
        _ended[number] = run;
        HasToldItsEnd = run is { ExitCode: 0 } or { Message.Length: > 0 };
        _world.Tell(this, string.Create(CultureInfo.InvariantCulture, $"ends with code {run.ExitCode}{(run.Message.Length > 0 ? $": {run.Message}" : "")}"));
        End();
    }

    /// <summary>All that runs in its container ends at once.</summary>
    private void End()
    {
        _process!.Kill();
        Away ??= (_world.Now, _world.Now + AgentRules.EndIsKnown);
        _world.Network.Close(Uid);
    }

    private async Task WaitInGateAsync()
    {
        // Where all pods are alike only the launcher waits.
        if (Leads)
        {
            var (options, began) = (Gate!, _world.Now);
            var hosts = options.Awaited(Read(options.HostfilePath));
            _gate = await Roles.WaitInGateAsync(hosts, options, () => options.NoticePath is { } path && HasNotice(Read(path)));
            _world.Rules.Opened(this, hosts, _gate, Roles.ProofsHoldFrom(began));
        }

        _throughGate = true;
        End();
    }

    private static bool HasNotice(string file) => file.Split('\n').Contains(AgentContract.AllWorkersRunNotice, StringComparer.Ordinal);

    /// <summary>The container that runs an agent's role, and how often it was started before.</summary>
    private static (bool Gate, int Number)? Running(PodView pod)
    {
        if (pod.Status.Items("initContainerStatuses").Any(static c => c.Text("name") == PlanningNames.GateContainer && c.Has("state", "running"))) return (true, 0);
        var main = pod.Status.Items("containerStatuses").FirstOrDefault();
        return main.Has("state", "running") ? (false, (int)(main.Integer("restartCount") ?? 0)) : null;
    }
}
