using System.Collections.Immutable;
using Kube.Client;
using Kube.Nodes.Images;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>
/// A Node whose pods are sandboxed processes of this machine. The caller drives <see cref="Loops"/> and disposes the node; with it, or with this
/// process however that ends, every pod's processes, mounts, network and files are gone.
/// </summary>
public sealed class LinuxNode : IAsyncDisposable
{
    private readonly ClusterSandbox _cluster;
    private readonly ClusterSockets _sockets;
    private readonly ServiceForwarding _forwarding;
    private readonly ProbeClient _probes;
    private readonly CancellationTokenSource _stopping;
    private readonly ControlGroups _groups;
    private readonly Claims _claims;
    private readonly PodsLoop _pods;
    private readonly ImmutableArray<WatchedObjects> _watches;
    private readonly ImageBuilds _builds;
    private readonly TimeProvider _time;
    private bool _disposed;

    private LinuxNode(ClusterSandbox cluster, ClusterSockets sockets, ServiceForwarding forwarding, ProbeClient probes, CancellationTokenSource stopping, ControlGroups groups, Claims claims, PodsLoop pods, ImmutableArray<WatchedObjects> watches, ImmutableArray<ILoop> loops, ImageBuilds builds, TimeProvider time)
    {
        _cluster = cluster;
        _sockets = sockets;
        _forwarding = forwarding;
        _probes = probes;
        _stopping = stopping;
        _groups = groups;
        _claims = claims;
        _pods = pods;
        _watches = watches;
        _builds = builds;
        _time = time;
        Loops = loops;
    }

    public ImmutableArray<ILoop> Loops { get; }

    public SandboxMode Mode => _cluster.Mode;

    /// <summary>The PID of the shell that holds the cluster's namespaces.</summary>
    internal int HolderPid => _cluster.HolderPid;

    /// <summary>Completes when the sandbox ended by itself, with its last words; no pod runs any more then.</summary>
    public Task<string> SandboxEndedAsync(CancellationToken cancellation) => _cluster.EndedAsync(cancellation);

    /// <param name="report">Called with what the person who runs the node should see; from the loops' threads.</param>
    /// <exception cref="SandboxException">This machine refuses; <see cref="SandboxSupport"/> finds out why.</exception>
    public static async Task<LinuxNode> StartAsync(IKubeClient client, LinuxNodeOptions options, TimeProvider time, Random random, Action<NodeNotice> report, CancellationToken cancellation)
    {
        var cluster = await ClusterSandbox.StartAsync(options.Mode ?? SandboxSupport.BestMode, options.Network, time, cancellation);
        var stopping = new CancellationTokenSource();
        var sockets = new ClusterSockets(cluster, time);
        var probes = new ProbeClient(sockets);
        var pods = new PodsLoop(time);
        NamesLoop? names = null;
        ServiceRoutes? routes = null;
        var watchPods = Watch(Kinds.Pod, pods.Changed, $"spec.nodeName={options.Name}");
        var configMaps = Watch(Kinds.ConfigMap, (_, _) => pods.ReferencesChanged());
        var secrets = Watch(Kinds.Secret, (_, _) => pods.ReferencesChanged());
        var services = Watch(Kinds.Service, (_, _) => NetworkChanged());
        var accounts = Watch(Kinds.ServiceAccount, static (_, _) => { });
        var groups = ControlGroups.OfThisMachine();
        var claims = new Claims(cluster, options, time, report);
        var watchClaims = Watch(Kinds.PersistentVolumeClaim, claims.Changed);
        var slices = Watch(Kinds.EndpointSlice, (_, _) => NetworkChanged());
        names = new NamesLoop(pods, services, slices, options.ClusterDomain, time);
        var forwarding = new ServiceForwarding(sockets, report);
        routes = new ServiceRoutes(pods, services, slices, cluster, forwarding, time, report);
        var catalog = new ImageCatalog(options.ImageSearchPath);
        var builds = new ImageBuilds(options.CacheFolder, time);
        var events = new NodeEvents(client, options.Name, time);
        var registration = new NodeRegistration(client, options, time, text => report(new NodeNotice(IsWarning: true, text)));
        pods.Attach(new NodeContext
        {
            Client = client,
            Options = options,
            Time = time,
            Cluster = cluster,
            Preparation = new ContainerPreparation(options, catalog, builds),
            Objects = new WatchedNodeObjects(configMaps, secrets, services, accounts),
            Events = events,
            Registration = registration,
            Groups = groups,
            Claims = claims,
            Probes = probes,
            Report = report,
            Stopping = stopping.Token,
            NamesChanged = worker =>
            {
                if (worker.Address is not null) names.Write();
                else names.Changed();
                routes.Changed();
            },
            Released = worker =>
            {
                pods.Released(worker);
                claims.Released(worker.Meta.Uid);
            },
        });
        // What pods refer to is known before the pods themselves, or each pod would first be told that its ConfigMap is missing.
        var first = new FirstSync([configMaps, secrets, services, slices, accounts], watchPods);
        return new LinuxNode(cluster, sockets, forwarding, probes, stopping, groups, claims, pods, [watchPods, configMaps, secrets, services, slices, accounts, watchClaims], [new NodeLoop([registration, configMaps, secrets, services, slices, accounts, watchClaims, first, names, routes, pods, claims, events])], builds, time);

        WatchedObjects Watch(ResourceKind kind, Action<ObjectKey, KubeObject?> changed, string fieldSelector = "") =>
            new(client, kind, fieldSelector, time, new Random(random.Next()), changed, text => report(new NodeNotice(IsWarning: true, text)));

        void NetworkChanged()
        {
            names?.Changed();
            routes?.Changed();
        }
    }

    /// <summary>A container's log as bytes; see <see cref="LogStream"/>.</summary>
    /// <param name="ns">The pod's namespace.</param>
    /// <exception cref="ApiException">There is no such pod here, no such container, or no log yet.</exception>
    public Stream OpenLog(string ns, string pod, string container, ContainerLogOptions options) => new LogStream(Worker(ns, pod).Log(container, options.Previous), options);

    /// <summary>Starts a command in a running container, as its user and with its environment. The session is the caller's.</summary>
    /// <param name="terminal">Give the command a terminal rather than pipes.</param>
    /// <exception cref="ApiException">There is no such pod here, or the container does not run.</exception>
    /// <exception cref="ExecRefusedException">The command cannot be run.</exception>
    public async Task<ContainerSession> ExecAsync(string ns, string pod, string container, IReadOnlyList<string> command, bool terminal, CancellationToken cancellation) =>
        await ExecSession.StartAsync(Running(ns, pod, container), command, terminal, _time, cancellation);

    /// <summary>Joins the streams of a container's own process, from now on. Disposing the session leaves the container running.</summary>
    /// <param name="input">Whether there will be input. Its end ends the container's input where the manifest says <c>stdinOnce</c>.</param>
    /// <exception cref="ApiException">There is no such pod here, or the container does not run.</exception>
    public ContainerSession Attach(string ns, string pod, string container, bool input) => new AttachSession(Running(ns, pod, container), input);

    // The kubelet's words, as kube-apiserver passes them on.
    private RunningContainer Running(string ns, string pod, string container) =>
        Worker(ns, pod).Running(container) ?? throw new ApiException(new ApiStatus(500, ApiReason.InternalError, $"container not found (\"{container}\")"));

    private PodWorker Worker(string ns, string pod) =>
        _pods.Find(ns, pod) ?? throw new ApiException(new ApiStatus(404, ApiReason.NotFound, $"pods \"{pod}\" not found") { Resource = "pods", Name = pod });

    /// <summary>The processes of a pod that run now, with the variables of their environment that are asked for.</summary>
    /// <param name="podUid">The pod's UID.</param>
    /// <param name="variables">Names; others are not read out.</param>
    public IReadOnlyList<PodProcess> Processes(string podUid, IReadOnlyCollection<string> variables) =>
        _pods.Find(podUid) is { } worker ? PodProcess.Of(worker.Processes, variables) : [];

    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        await _stopping.CancelAsync();
        foreach (var watch in _watches) await watch.DisposeAsync();
        await _forwarding.DisposeAsync();
        _probes.Dispose();
        await _sockets.DisposeAsync();
        await _claims.RemoveAllAsync();
        await _cluster.DisposeAsync();
        await _groups.RemoveAllAsync(_time);
        _builds.Dispose();
        _stopping.Dispose();
    }

    /// <summary>Lets one watch begin only after others have seen their objects once.</summary>
    private sealed class FirstSync(ImmutableArray<WatchedObjects> before, WatchedObjects after) : ILoop
    {
        private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(5);

        public string Name => after.Name;

        public ValueTask<bool> StepAsync(CancellationToken cancellation) => before.All(static w => w.Synced) ? after.StepAsync(cancellation) : ValueTask.FromResult(false);

        public ValueTask WaitAsync(CancellationToken cancellation) => before.All(static w => w.Synced) ? after.WaitAsync(cancellation) : new ValueTask(Task.Delay(Look, cancellation));
    }

    private sealed class WatchedNodeObjects(WatchedObjects configMaps, WatchedObjects secrets, WatchedObjects services, WatchedObjects accounts) : INodeObjects
    {
        public KubeObject? ConfigMap(string ns, string name) => configMaps.Find(new ObjectKey(ns, name));

        public KubeObject? Secret(string ns, string name) => secrets.Find(new ObjectKey(ns, name));

        public KubeObject? ServiceAccount(string ns, string name) => accounts.Find(new ObjectKey(ns, name));

        public IEnumerable<KubeObject> Services => services.All;

        public bool LeadsToApiServer => services.Find(new ObjectKey("default", "kubernetes")) is not null && configMaps.Find(new ObjectKey("default", "kube-root-ca.crt")) is not null;
    }
}
