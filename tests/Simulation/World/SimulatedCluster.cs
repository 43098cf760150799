using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.ApiServer;
using Kube.Client;
using Kube.Controllers;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;
using Mpi.Planning;
using Mpi.Testing;
using PodView = Kube.Types.PodView;

namespace Simulation;

/// <summary>
/// A whole cluster in one thread and from one seed: API server, controllers, virtual nodes and the operator under virtual
/// time. Invariants are checked on every change of every object; a breach throws with the trace and the seed.
/// </summary>
public sealed class SimulatedCluster : IAsyncDisposable
{
    /// <summary>The kinds that a job's life touches.</summary>
    public static readonly ImmutableArray<ResourceKind> Watched = [MpiJobs.Kind, Kinds.Pod, Kinds.Job, Kinds.StatefulSet, Kinds.Service, Kinds.ConfigMap, Kinds.Secret];

    private static readonly KubeClientOptions Unlimited = new(Timeout.InfiniteTimeSpan, "simulation");

    private readonly SimulationOptions _options;
    private readonly Random _random;
    private readonly ControllerSet _controllers;
    private readonly VirtualNodes _nodes;
    private readonly OperatorTraffic _traffic = new();
    private ViolationException? _violation;

    public SimulatedCluster(SimulationOptions options)
    {
        _options = options;
        _random = new Random(options.Seed);
        Server = new KubeApiServer(new ApiServerOptions { Time = Clock, Random = new Random(_random.Next()) });
        Admin = new KubeClient(new InProcessHandler(Server), InProcessHandler.BaseAddress, Unlimited, Clock);
        // Drawn in any case: with another order the other draws stay the same.
        var order = new Random(_random.Next());
        Stepper = new Stepper(Clock, options.Schedule ?? new SeededSchedule(order)) { MaxStepsPerRun = options.MostSteps };

        Install();
        Observer = new WorldObserver(Admin, Clock, options);
        _controllers = new ControllerSet(Admin, new ControllerOptions(), Clock, new Random(_random.Next()));
        _nodes = new VirtualNodes(Admin, new VirtualNodeOptions(options.NodeSpecs.IsEmpty ? VirtualNodeSpec.Many("node-", options.Nodes) : options.NodeSpecs), Script, Clock, new Random(_random.Next()));
        Stepper.Add(_controllers.Loops).Add(_nodes.Loops);
        Operator = new OperatorSeat(this, options, _traffic, new Random(_random.Next()));
        if (options.Standby) Standby = new OperatorSeat(this, options, _traffic, new Random(_random.Next()));
        if (options.Timetable is { } timetable) Stepper.Add(timetable(this));
        Stepper.AfterProgress = loop =>
        {
            Look(loop is OperatorLoop theirs ? theirs.Identity : loop.Name);
            if (_violation is { } broken) throw broken;
            Operator.BuryTheDead();
            Standby?.BuryTheDead();
        };
        Operator.Start();
        Standby?.Start();
    }

    public VirtualClock Clock { get; } = new();
    public KubeApiServer Server { get; }

    /// <summary>Talks to the server with no faults in between.</summary>
    public KubeClient Admin { get; }

    public Stepper Stepper { get; }
    public WorldObserver Observer { get; }
    public OperatorSeat Operator { get; }

    /// <summary>The second operator, where there is one.</summary>
    public OperatorSeat? Standby { get; }

    /// <summary>Lists, watches and gets that operators began so far.</summary>
    public int Reads => _traffic.Reads + _traffic.Gets;

    /// <summary>Told what happens, by whom, in the words of a story.</summary>
    public Action<string, string> Told { get; set; } = static (_, _) => { };

    internal void Tell(string actor, string what)
    {
        Stepper.Note($"  {actor} {what}");
        Told(actor, what);
    }

    /// <summary>Keeps the first violation until the step is over: thrown within an operator's step it would be the operator's to handle.</summary>
    internal void Report(ViolationException violation) => _violation ??= violation;

    /// <summary>A write of an operator has landed, which does not know it yet: the place for what comes between two writes.</summary>
    internal void Landed(string identity, int write)
    {
        if (write == 0) return;
        Look(identity);
        _options.Faults.Landed(write);
        Look("user");
    }

    /// <summary>Takes in what has changed by somebody's doing.</summary>
    internal void Look(string actor)
    {
        try
        {
            Observer.Look(actor);
        }
        catch (ViolationException violation)
        {
            Report(violation);
        }
    }

    public KubeObject Create(JsonObject manifest, ResourceKind kind) => Now(Admin.CreateAsync(kind, KubeObject.From(manifest), CancellationToken.None));

    public KubeObject? Find(ResourceKind kind, string name, string ns = "default") => Observer.Find(kind, new ObjectKey(ns, name));

    /// <summary>All objects of the watched kinds, as text that is equal for equal outcomes.</summary>
    public string State => EndState.Of(Observer.Objects.Where(static o => o.Kind != Kinds.Event.Kind));

    /// <summary>Lets virtual time pass until the condition holds; a failure names the seed and the faults.</summary>
    public void RunUntil(Func<bool> condition, TimeSpan atMost, string what) => Guarded(() => Stepper.RunUntil(condition, atMost, what));

    public void RunFor(TimeSpan time) => Guarded(() => Stepper.RunFor(time));

    public async ValueTask DisposeAsync()
    {
        await Operator.DisposeAsync();
        if (Standby is not null) await Standby.DisposeAsync();
        await _nodes.DisposeAsync();
        await _controllers.DisposeAsync();
        await Observer.DisposeAsync();
        Admin.Dispose();
        Server.Dispose();
    }

    /// <summary>With the in-process server every request is complete when the call returns.</summary>
    internal static T Now<T>(Task<T> request) =>
        request.IsCompleted ? request.GetAwaiter().GetResult() : throw new InvalidOperationException("a request to the in-process server did not complete at once");

    /// <inheritdoc cref="Now{T}"/>
    internal static void Now(Task request)
    {
        if (!request.IsCompleted) throw new InvalidOperationException("a request to the in-process server did not complete at once");
        request.GetAwaiter().GetResult();
    }

    private void Install()
    {
        var definition = Yaml.Read(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "mpijobs.yaml")))[0].Root;
        Create(definition, Kinds.CustomResourceDefinition);
        foreach (var further in _options.Definitions) Create(further, Kinds.CustomResourceDefinition);
        var present = Now(Admin.ListAsync(Kinds.Namespace, null, new ListOptions(), CancellationToken.None)).Items.Select(static n => n.Meta.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var name in (string[])["default", "mpi-operator"])
        {
            if (!present.Contains(name)) Create(A.Namespace(name).Tree, Kinds.Namespace);
        }
    }

    private PodScript Script(PodView pod)
    {
        var script = _options.ScriptOf?.Invoke(pod) ?? pod.Meta.Labels.GetValueOrDefault("training.kubeflow.org/job-role") switch
        {
            "launcher" => _options.LauncherOf?.Invoke(pod.Meta.Labels["training.kubeflow.org/job-name"]) ?? _options.Launcher,
            "worker" => Skewed(_options.WorkerOf?.Invoke(pod.Meta.Name) ?? _options.Worker),
            _ => PodScript.RunsForever,
        };
        return script.InitDone is null && pod.Spec.Items("initContainers").Any(static c => c.Text("name") == PlanningNames.GateContainer) ? script with { InitDone = () => GateOpens(pod) } : script;
    }

    /// <summary>
    /// A launcher's gate opens when every worker runs; nobody else's holds anybody up. Its limit counts from when all have been seen to run
    /// (GateMachine), and here those that run are reached at once.
    /// </summary>
    private bool GateOpens(PodView pod) =>
        Observer.View.JobOf(pod.Object) is not { } job || job.PartOf(pod.Object) is not { IsLauncher: true } || job.WasCompleteWithin(TimeSpan.Zero, Clock.GetUtcNow());

    private PodScript Skewed(PodScript worker) => worker with { StartDelay = worker.StartDelay is { } delay ? delay * (0.5 + _random.NextDouble()) : null };

    private void Guarded(Action run)
    {
        try
        {
            // What has changed between two runs was the test's own doing.
            Observer.Look("user");
            run();
            if (_violation is { } broken) throw broken;
        }
        catch (Exception e) when (e is StepperException or ViolationException)
        {
            throw new SimulationException($"seed {_options.Seed}, {_options.Faults.Name}: {e.Message}{Environment.NewLine}the job's status:{Environment.NewLine}{string.Join(Environment.NewLine, State.Split('\n').Where(static l => l.StartsWith("MPIJob", StringComparison.Ordinal) && l.Contains(": .status", StringComparison.Ordinal)))}{Environment.NewLine}operator's writes:{Environment.NewLine}{string.Join(Environment.NewLine, Operator.WritesSeen)}{Environment.NewLine}{Operator}", e);
        }
    }
}

/// <summary>A simulated run went wrong; the message names the seed and the faults that replay it.</summary>
public sealed class SimulationException(string message, Exception cause) : Exception(message, cause);
