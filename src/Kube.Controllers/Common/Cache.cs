using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>One watched kind: what is known of it, and the loop that keeps it so.</summary>
public sealed record Cache<T>(ResourceKind Kind, Store<T> Store, Reflector<T> Reflector) where T : class;

/// <summary>The caches that the controllers share, so that each kind is watched once.</summary>
public sealed class ClusterCaches
{
    /// <summary>Pods by the Job that controls them, as <c>namespace/name</c>.</summary>
    public static readonly StoreIndex<PodView> ByJob = new("job", static pod =>
        pod.Meta.Controller is { Kind: "Job" } owner && owner.ApiVersion.StartsWith("batch/", StringComparison.Ordinal)
            ? [new ObjectKey(pod.Meta.Namespace, owner.Name).ToString()]
            : []);

    /// <summary>Pods by the UID of their controller; those that nobody controls by their namespace, after a slash.</summary>
    public static readonly StoreIndex<PodView> ByController = new("controller", static pod => [ControllerOf(pod.Meta)]);

    public static readonly StoreIndex<JobView> JobsByNamespace = new("namespace", static job => [job.Meta.Namespace]);
    public static readonly StoreIndex<PodView> PodsByNamespace = new("namespace", static pod => [pod.Meta.Namespace]);
    public static readonly StoreIndex<PodView> ByNode = new("node", static pod => pod.NodeName.Length > 0 ? [pod.NodeName] : []);
    public static readonly StoreIndex<KubeObject> ServicesByNamespace = new("namespace", static service => [service.Meta.Namespace]);

    public static readonly StoreIndex<KubeObject> SlicesByService = new("service", static slice =>
        slice.Meta.Labels.TryGetValue("kubernetes.io/service-name", out var service) ? [new ObjectKey(slice.Meta.Namespace, service).ToString()] : []);

    private readonly List<IReflector> _reflectors = [];
    private readonly IKubeReader _client;
    private readonly TimeProvider _time;
    private readonly Random _random;

    public ClusterCaches(IKubeReader client, TimeProvider time, Random random)
    {
        (_client, _time, _random) = (client, time, random);
        Pods = Watch(Kinds.Pod, static o => new PodView(o), ByJob, ByController, PodsByNamespace, ByNode);
        Jobs = Watch(Kinds.Job, static o => new JobView(o), JobsByNamespace);
        Services = Watch(Kinds.Service, static o => o, ServicesByNamespace);
        Endpoints = Watch(Kinds.Endpoints, static o => o);
        EndpointSlices = Watch(Kinds.EndpointSlice, static o => o, SlicesByService);
        Nodes = Watch(Kinds.Node, static o => o);
        Namespaces = Watch(Kinds.Namespace, static o => o);
        CustomKinds = Watch(Kinds.CustomResourceDefinition, static o => o);
    }

    public Cache<PodView> Pods { get; }
    public Cache<JobView> Jobs { get; }
    public Cache<KubeObject> Services { get; }
    public Cache<KubeObject> Endpoints { get; }
    public Cache<KubeObject> EndpointSlices { get; }
    public Cache<KubeObject> Nodes { get; }
    public Cache<KubeObject> Namespaces { get; }
    public Cache<KubeObject> CustomKinds { get; }

    public IReadOnlyList<IReflector> Reflectors => _reflectors;

    /// <summary>The value by which an index of controllers finds an object: its controller's UID, or the namespace of one that has none.</summary>
    public static string ControllerOf(ObjectMeta meta) => meta.Controller?.Uid ?? $"/{meta.Namespace}";

    /// <summary>The pods that the owner controls, and those of its namespace that nobody controls.</summary>
    public IEnumerable<PodView> PodsOf(ObjectMeta owner) =>
        Pods.Store.Having(ByController, owner.Uid).Concat(Pods.Store.Having(ByController, $"/{owner.Namespace}"));

    /// <summary>A cache of one more kind. Called while the caches are put together, before anything runs.</summary>
    public Cache<T> Watch<T>(ResourceKind kind, Func<KubeObject, T> project, params ReadOnlySpan<StoreIndex<T>> indexes) where T : class
    {
        var cache = Unlisted(kind, project, indexes);
        _reflectors.Add(cache.Reflector);
        return cache;
    }

    /// <summary>A cache whose reflector the caller runs.</summary>
    internal Cache<T> Unlisted<T>(ResourceKind kind, Func<KubeObject, T> project, params ReadOnlySpan<StoreIndex<T>> indexes) where T : class
    {
        var store = new Store<T>(project, indexes);
        return new Cache<T>(kind, store, new Reflector<T>(_client, kind, ns: null, store, new ReflectorOptions(), _time, new Random(_random.Next())));
    }
}
