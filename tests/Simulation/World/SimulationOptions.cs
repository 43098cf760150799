using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Model;
using Mpi.Operator;
using Mpi.Planning;
using PodView = Kube.Types.PodView;

namespace Simulation;

/// <summary>What a simulated world is made of. The seed decides every draw: the same options give the same run.</summary>
public sealed record SimulationOptions(int Seed)
{
    public int Nodes { get; init; } = 4;

    /// <summary>The nodes where their number does not say enough; empty for <see cref="Nodes"/> plain ones.</summary>
    public ImmutableArray<VirtualNodeSpec> NodeSpecs { get; init; } = [];

    /// <summary>How long a launcher's command runs, and with what it ends.</summary>
    public PodScript Launcher { get; init; } = PodScript.RunsFor(TimeSpan.FromSeconds(20)) with { StartDelay = TimeSpan.FromSeconds(1), InitTime = TimeSpan.FromMilliseconds(500) };

    /// <summary>The same, job by job, by their names; null for <see cref="Launcher"/> of all.</summary>
    public Func<string, PodScript>? LauncherOf { get; init; }

    public PodScript Worker { get; init; } = PodScript.RunsForever with { StartDelay = TimeSpan.FromSeconds(2) };

    /// <summary>The same, pod by pod, by their names; null for <see cref="Worker"/> of all.</summary>
    public Func<string, PodScript>? WorkerOf { get; init; }

    /// <summary>What a pod does whatever the others say; null for a pod that is none of its own.</summary>
    public Func<PodView, PodScript?>? ScriptOf { get; init; }

    public PlanningOptions Planning { get; init; } = new();

    /// <summary>Whose jobs the operator works on.</summary>
    public ImmutableArray<IDialect> Dialects { get; init; } = [new KubeflowV2Beta1Dialect()];

    /// <summary>What the operator may do.</summary>
    public GrantedRights Rights { get; init; } = OperatorRights.Granted;

    /// <summary>A kind that the operator has rights to though its manifests know nothing of it.</summary>
    public ResourceKind? AlsoGranted { get; init; }

    /// <summary>Several operators then share the work by a Lease.</summary>
    public bool LeaderElection { get; init; }

    /// <summary>A second operator stands by; needs <see cref="LeaderElection"/>.</summary>
    public bool Standby { get; init; }

    /// <summary>The last word on what an operator is put together from: the place for parts that look on, and for broken ones.</summary>
    public Func<OperatorParts, OperatorParts> Build { get; init; } = static parts => parts;

    /// <summary>Definitions of kinds that the cluster has besides kubeflow's MPIJob.</summary>
    public ImmutableArray<JsonObject> Definitions { get; init; } = [];

    /// <summary>Kinds that are watched besides those that every job's life touches.</summary>
    public ImmutableArray<ResourceKind> AlsoWatched { get; init; } = [];

    /// <summary>A run that takes more steps between two looks of a test never comes to rest.</summary>
    public long MostSteps { get; init; } = 2_000_000;

    /// <summary>Says whose step comes next in this one world; null for the seed's word.</summary>
    public ISchedule? Schedule { get; init; }

    /// <summary>What befalls the operator's machine and the user's mind, and when.</summary>
    public Func<SimulatedCluster, ITimedLoop>? Timetable { get; init; }

    /// <summary>How long the operator is away after a crash.</summary>
    public TimeSpan RestartDelay { get; init; } = TimeSpan.FromSeconds(1);

    public Faults Faults { get; init; } = Faults.None;
}

/// <summary>What befalls the operator's traffic. Writes are counted from 1 over all its incarnations; those of the election do not count.</summary>
public sealed record Faults
{
    public static readonly Faults None = new();

    /// <summary>The operator dies before it sends one of these writes.</summary>
    public ImmutableHashSet<int> CrashBefore { get; init; } = [];

    /// <summary>The operator dies after one of these writes has landed, without having seen the answer.</summary>
    public ImmutableHashSet<int> CrashAfter { get; init; } = [];

    /// <summary>What befalls a write.</summary>
    public Func<int, ApiRequest, Fault?> OnWrite { get; init; } = static (_, _) => null;

    /// <summary>What befalls a list, a watch that is opened, or a get, by its number among these. Null: nothing ever.</summary>
    public Func<int, ApiRequest, Fault?>? OnRead { get; init; }

    /// <summary>Told of a write that has landed, before its answer arrives.</summary>
    public Action<int> Landed { get; init; } = static _ => { };

    /// <summary>What befalls a request about the Lease.</summary>
    public Func<DateTimeOffset, Fault?> OnLease { get; init; } = static _ => null;

    /// <summary>What befalls an event of a watch: the number is the event's among those of its kind, from 1, bookmarks not counted.</summary>
    public Func<string, int, WatchFault?> OnEvent { get; init; } = static (_, _) => null;

    /// <summary>For the message of a failure.</summary>
    public string Name { get; init; } = "no faults";
}
