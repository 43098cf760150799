using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>One watched kind: what is known of it, and the loop that keeps it so.</summary>
public sealed record Cache<T>(ResourceKind Kind, Store<T> Store, Reflector<T> Reflector) where T : class;

/// <summary>The caches that the controllers share, so that each kind is watched once.</summary>
public sealed class ClusterCaches
{
    /// <summary>Pods by the Job that controls them or, when they were orphaned, still has to let go of them; as <c>namespace/name</c>.</summary>
    public static readonly StoreIndex<PodView> ByJob = new("job", static pod => JobPods.JobOf(pod) is { } job ? [job.ToString()] : []);

    /// <summary>Pods by the UID of their controller; those that nobody controls by their namespace, after a slash.</summary>
    public static readonly StoreIndex<PodView> ByController = new("controller", static pod => [ControllerOf(pod.Meta)]);

    /// <summary>Pods by the group that they want to start with, as <c>namespace/name</c>.</summary>
    public static readonly StoreIndex<PodView> ByGang = new("gang", GangBackends.GroupsOf);

    public static readonly StoreIndex<JobView> JobsByNamespace = new("namespace", static job => [job.Meta.Namespace]);
    public static readonly StoreIndex<ReplicaSetView> ReplicaSetsByNamespace = new("namespace", static set => [set.Meta.Namespace]);

    /// <summary>ReplicaSets as <see cref="ByController"/> has pods.</summary>
    public static readonly StoreIndex<ReplicaSetView> ReplicaSetsByController = new("controller", static set => [ControllerOf(set.Meta)]);

    public static readonly StoreIndex<PodView> PodsByNamespace = new("namespace", static pod => [pod.Meta.Namespace]);
    public static readonly StoreIndex<PodView> ByNode = new("node", static pod => pod.NodeName.Length > 0 ? [pod.NodeName] : []);
    public static readonly StoreIndex<KubeObject> BudgetsByNamespace = new("namespace", static budget => [budget.Meta.Namespace]);

    public static readonly StoreIndex<KubeObject> SlicesByService = new("service", static slice =>
        slice.Meta.Labels.TryGetValue("kubernetes.io/service-name", out var service) ? [new ObjectKey(slice.Meta.Namespace, service).ToString()] : []);

    private readonly List<IReflector> _reflectors = [];
    private readonly List<Action<string>> _deletionHandlers = [];
    private readonly Dictionary<ResourceKind, Func<Action<ObjectMeta?, ObjectMeta?>, IDisposable>> _followed = [];
    private readonly IKubeReader _client;
    private readonly TimeProvider _time;
    private readonly Random _random;

    public ClusterCaches(IKubeReader client, TimeProvider time, Random random)
    {
        (_client, _time, _random) = (client, time, random);
        Pods = Watch(Kinds.Pod, static o => new PodView(o), static p => p.Meta, ByJob, ByController, ByGang, PodsByNamespace, ByNode);
        Jobs = Watch(Kinds.Job, static o => new JobView(o), static j => j.Meta, JobsByNamespace);
        Services = Watch(Kinds.Service);
        Endpoints = Watch(Kinds.Endpoints);
        EndpointSlices = Watch(Kinds.EndpointSlice, SlicesByService);
        Nodes = Watch(Kinds.Node);
        Namespaces = Watch(Kinds.Namespace);
        ReplicaSets = Watch(Kinds.ReplicaSet, static o => new ReplicaSetView(o), static s => s.Meta, ReplicaSetsByNamespace, ReplicaSetsByController);
        Budgets = Watch(Kinds.PodDisruptionBudget, BudgetsByNamespace);
        // The heartbeats of nodes alone: others renew their leases every other second.
        Leases = Heartbeats();
        VolumeClaims = Watch(Kinds.PersistentVolumeClaim);
        CustomKinds = Watch(Kinds.CustomResourceDefinition);
    }

    public Cache<PodView> Pods { get; }
    public Cache<JobView> Jobs { get; }
    public Cache<KubeObject> Services { get; }
    public Cache<KubeObject> Endpoints { get; }
    public Cache<KubeObject> EndpointSlices { get; }
    public Cache<KubeObject> Nodes { get; }
    public Cache<KubeObject> Namespaces { get; }
    public Cache<ReplicaSetView> ReplicaSets { get; }
    public Cache<KubeObject> Budgets { get; }
    public Cache<KubeObject> Leases { get; }
    public Cache<KubeObject> VolumeClaims { get; }
    public Cache<KubeObject> CustomKinds { get; }

    public IReadOnlyList<IReflector> Reflectors => _reflectors;

    public RememberedObjects Remembered { get; } = new();

    /// <summary>Calls back with the UID of every object of a watched kind that is gone, on the thread of its store. Called before anything runs.</summary>
    internal void OnDeleted(Action<string> handler) => _deletionHandlers.Add(handler);

    /// <summary>The value by which an index of controllers finds an object: its controller's UID, or the namespace of one that has none.</summary>
    public static string ControllerOf(ObjectMeta meta) => meta.Controller?.Uid ?? $"/{meta.Namespace}";

    /// <summary>The pods that the owner controls, and those of its namespace that nobody controls.</summary>
    public IEnumerable<PodView> PodsOf(ObjectMeta owner) =>
        Pods.Store.Having(ByController, owner.Uid).Concat(Pods.Store.Having(ByController, $"/{owner.Namespace}"));

    /// <summary>A cache of one more kind. Called while the caches are put together, before anything runs.</summary>
    public Cache<T> Watch<T>(ResourceKind kind, Func<KubeObject, T> project, Func<T, ObjectMeta> meta, params ReadOnlySpan<StoreIndex<T>> indexes) where T : class
    {
        var cache = Unlisted(kind, ns: null, project, indexes);
        _reflectors.Add(cache.Reflector);
        _followed[kind] = handler => Follow(cache.Store, meta, handler);
        cache.Store.Subscribe(change =>
        {
            if (change.Old is not { } old || (change.New is { } now && meta(now).Uid == meta(old).Uid)) return;
            foreach (var handler in _deletionHandlers) handler(meta(old).Uid);
        });
        return cache;
    }

    public Cache<KubeObject> Watch(ResourceKind kind, params ReadOnlySpan<StoreIndex<KubeObject>> indexes) => Watch(kind, static o => o, static o => o.Meta, indexes);

    /// <summary>Calls back for each change of a kind's objects, by the cache that there is, or by one that knows their metadata alone.</summary>
    public void Follow(ResourceKind kind, Action<ObjectMeta?, ObjectMeta?> handler)
    {
        if (!_followed.ContainsKey(kind)) Watch(kind, static o => o.Meta, static m => m);
        _followed[kind](handler);
    }

    internal static IDisposable Follow<T>(Store<T> store, Func<T, ObjectMeta> meta, Action<ObjectMeta?, ObjectMeta?> handler) where T : class =>
        store.Subscribe(change => handler(change.Old is null ? null : meta(change.Old), change.New is null ? null : meta(change.New)));

    private Cache<KubeObject> Heartbeats()
    {
        var cache = Unlisted(Kinds.Lease, "kube-node-lease", static o => o, []);
        _reflectors.Add(cache.Reflector);
        return cache;
    }

    /// <summary>A cache whose reflector the caller runs.</summary>
    /// <param name="ns">The namespace to look at; null for all.</param>
    internal Cache<T> Unlisted<T>(ResourceKind kind, string? ns, Func<KubeObject, T> project, params ReadOnlySpan<StoreIndex<T>> indexes) where T : class
    {
        var store = new Store<T>(project, indexes);
        return new Cache<T>(kind, store, new Reflector<T>(_client, kind, ns, store, new ReflectorOptions(), _time, new Random(_random.Next())));
    }
}
