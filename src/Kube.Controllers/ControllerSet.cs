using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// The controllers that a cluster needs to run Jobs and the workloads around them: Jobs, StatefulSets, Deployments with their
/// ReplicaSets, disruption budgets, nodes and their taints, volume claims, ephemeral volumes, garbage collection, endpoints, namespaces, pods without
/// a kubelet, and the scheduler. They share their caches. Whoever composes the cluster runs <see cref="Loops"/>.
/// </summary>
public sealed class ControllerSet : IAsyncDisposable
{
    private readonly ClusterCaches _caches;

    public ControllerSet(IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        // A source of randomness each: in a program the loops run side by side, and a Random belongs to one of them.
        Random Own() => new(random.Next());
        _caches = new ClusterCaches(client, time, Own());
        var kinds = new ServedKinds([.. BuiltIn, Kinds.Event, Kinds.Lease], _caches.CustomKinds.Store);
        var jobs = new JobController(_caches, client, options, time, Own());
        var statefulSets = new StatefulSetController(_caches, client, options, time, Own());
        var replicaSets = new ReplicaSetController(_caches, client, options, time, Own());
        var deployments = new DeploymentController(_caches, client, options, time, Own());
        var disruption = new DisruptionController(_caches, client, options, time, Own());
        var nodes = new NodeLifecycleController(_caches, client, options, time, Own());
        var eviction = new TaintEviction(_caches, client, options, time, Own());
        var claims = new VolumeClaimController(_caches, client, options, time, Own());
        var ephemeral = new EphemeralVolumeController(_caches, client, options, time, Own());
        var endpoints = new EndpointsController(_caches, client, options, time, Own());
        var namespaces = new NamespaceController(_caches, kinds, client, options, time, Own());
        var pods = new PodCollector(_caches, client, options, time, Own());
        var scheduler = new Scheduler(_caches, kinds, client, options, time, Own());
        var garbage = new GarbageCollector(_caches, kinds, BuiltIn, client, options, time, Own());
        Loops = [.. _caches.Reflectors, jobs.Loop, statefulSets.Loop, replicaSets.Loop, deployments.Loop, disruption.Loop, nodes.Loop, eviction.Loop, claims.Loop, ephemeral.Loop, endpoints.Loop, namespaces.Loop, pods.Loop, .. scheduler.Loops, .. garbage.Loops];
        foreach (var loop in Loops.OfType<IKeyedLoop>()) _caches.Remembered.Add("queues", () => loop.KeyCount);
    }

    /// <summary>Kinds whose objects are collected when their owners go, and deleted with their namespace.</summary>
    public static ImmutableArray<ResourceKind> BuiltIn { get; } =
    [
        Kinds.Namespace, Kinds.Node, Kinds.Pod, Kinds.Service, Kinds.Endpoints, Kinds.ConfigMap, Kinds.Secret, Kinds.ServiceAccount,
        Kinds.PersistentVolumeClaim, Kinds.PodDisruptionBudget, Kinds.Job, Kinds.StatefulSet, Kinds.Deployment, Kinds.ReplicaSet, Kinds.ControllerRevision,
        Kinds.EndpointSlice,
        Kinds.Role, Kinds.RoleBinding, Kinds.CustomResourceDefinition,
    ];

    public ImmutableArray<ILoop> Loops { get; }

    /// <inheritdoc cref="RememberedObjects"/>
    public RememberedObjects Remembered => _caches.Remembered;

    /// <summary>Whether every cache was filled once.</summary>
    public bool HasSynced => _caches.Reflectors.All(static r => r.HasSynced);

    /// <summary>Ends the watches.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var reflector in _caches.Reflectors.OfType<IAsyncDisposable>()) await reflector.DisposeAsync();
    }
}
