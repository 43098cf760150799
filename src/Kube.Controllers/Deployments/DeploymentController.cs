using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Runs Deployments (<c>apps/v1</c>): observe the Deployment and its ReplicaSets, decide (<see cref="DeploymentPlanner"/>), apply. The key is the Deployment's.</summary>
public sealed class DeploymentController
{
    private static readonly StoreIndex<DeploymentView> ByNamespace = new("namespace", static d => [d.Meta.Namespace]);

    private readonly Memories<OwnWrites> _memories = new(static () => new OwnWrites());
    private readonly ClusterCaches _caches;
    private readonly Cache<DeploymentView> _deployments;
    private readonly IKubeClient _client;
    private readonly EventRecorder _events;
    private readonly ClaimApplier _claims;
    private readonly TimeProvider _time;

    public DeploymentController(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client, _time) = (caches, client, time);
        _deployments = caches.Watch(Kinds.Deployment, static o => new DeploymentView(o), static d => d.Meta, ByNamespace);
        _events = new EventRecorder(caches, client, time, random, "deployment-controller");
        _claims = new ClaimApplier(client, time);
        caches.Remembered.Add("deployments", () => _memories.Count);
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>(
            "controller/deployments", queue, ReconcileAsync, [_deployments.Reflector, caches.ReplicaSets.Reflector, caches.Pods.Reflector], options.Reporter("deployments"));
        _deployments.Store.Subscribe(change => queue.Add(change.Key));
        caches.ReplicaSets.Store.QueueOwners(
            queue, static s => s.Meta, static s => OwnerQueueing.ControllerOf(s.Meta, Kinds.Deployment),
            ns => _deployments.Store.Having(ByNamespace, ns).Select(static d => (d.Meta, d.Selector)));
        // The last old pod's end is what a Recreate waits for.
        caches.Pods.Store.Subscribe(change =>
        {
            if (change.New is { IsFinished: false } || change.Old?.Meta.Controller is not { Kind: "ReplicaSet" } owner) return;
            if (caches.ReplicaSets.Store.Find(change.Key with { Name = owner.Name })?.Meta.Controller is { Kind: "Deployment" } deployment) queue.Add(change.Key with { Name = deployment.Name });
        });
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        // 1. Observe, when the stores show what the last pass wrote.
        var deployment = _deployments.Store.Find(key);
        var writes = _memories.Of(key, deployment?.Meta.Uid);
        if (deployment is null) return Outcome.Done;
        var now = _time.GetUtcNow();
        if (!writes!.AreSeen(kind => kind == Kinds.ReplicaSet ? _caches.ReplicaSets.Store.Snapshot.SeenUpTo : _deployments.Store.Snapshot.SeenUpTo, now)) return Pass.RevisitAt(writes.AwaitedUntil, now);
        var candidates = _caches.ReplicaSets.Store.Having(ClusterCaches.ReplicaSetsByController, deployment.Meta.Uid)
            .Concat(_caches.ReplicaSets.Store.Having(ClusterCaches.ReplicaSetsByController, $"/{key.Namespace}"));
        var claims = Claims.Of(deployment.Meta, deployment.Selector, candidates, static s => s.Meta);
        if (await _claims.ApplyAsync(deployment.Object, Kinds.Deployment, Kinds.ReplicaSet, claims, static s => s.Meta, writes, null, cancellation)) return Outcome.Done;

        // 2. Decide.
        bool HasPods(ReplicaSetView set) => _caches.Pods.Store.Having(ClusterCaches.ByController, set.Meta.Uid).Any(static p => !p.IsFinished);
        var plan = DeploymentPlanner.Plan(new ObservedDeployment(deployment, claims.Owned, HasPods, now));

        // 3. Apply.
        if (plan.Create is { } set) await CreateAsync(deployment, set, writes, cancellation);
        foreach (var change in plan.Change) await ChangeAsync(deployment, change, writes, cancellation);
        foreach (var old in plan.Delete) await Deletion.IfThereAsync(_client, Kinds.ReplicaSet, old.Meta, cancellation);
        if (plan.Revision is { } revision)
        {
            // Another resourceVersion than was observed: the status follows in the next pass.
            await AnnotateAsync(deployment, revision, writes, cancellation);
            return Outcome.Done;
        }

        await StatusUpdate.WriteAsync(_client, Kinds.Deployment, deployment.Object, plan.Status, writes, _time, cancellation);
        return Pass.RevisitAt(plan.Again, now);
    }

    private async Task CreateAsync(DeploymentView deployment, JsonObject set, OwnWrites writes, CancellationToken cancellation)
    {
        var obj = KubeObject.From(set);
        try
        {
            writes.Add(Kinds.ReplicaSet, await _client.CreateAsync(Kinds.ReplicaSet, obj, cancellation), _time.GetUtcNow());
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            // The answer to an earlier try was lost, or an orphan has the name and is adopted next.
            return;
        }
        catch (ApiException e) when (e.Responsibility is Responsibility.User or Responsibility.Administrator)
        {
            await _events.RecordAsync(deployment.Object, "Warning", "ReplicaSetCreateError", $"Failed to create new replica set \"{obj.Meta.Name}\": {e.Message}", cancellation);
            throw;
        }

        if (obj.Root.Integer("spec", "replicas") is { } replicas and > 0) await TellScaleAsync(deployment, obj.Meta.Name, 0, (int)replicas, cancellation);
    }

    private async Task ChangeAsync(DeploymentView deployment, SetChange change, OwnWrites writes, CancellationToken cancellation)
    {
        var tree = change.Set.Object.ToTree();
        var before = change.Set.Replicas;
        if (change.Replicas is { } replicas) tree.Object("spec")["replicas"] = replicas;
        foreach (var (name, value) in change.Annotations) tree.Object("metadata").Object("annotations")[name] = value;
        writes.Add(Kinds.ReplicaSet, await _client.UpdateAsync(Kinds.ReplicaSet, KubeObject.From(tree), null, cancellation), _time.GetUtcNow());
        if (change.Replicas is { } now && now != before) await TellScaleAsync(deployment, change.Set.Meta.Name, before, now, cancellation);
    }

    private Task TellScaleAsync(DeploymentView deployment, string set, int from, int to, CancellationToken cancellation) =>
        _events.RecordAsync(deployment.Object, "Normal", "ScalingReplicaSet", $"Scaled {(to > from ? "up" : "down")} replica set {set} from {from} to {to}", cancellation);

    private async Task AnnotateAsync(DeploymentView deployment, string revision, OwnWrites writes, CancellationToken cancellation)
    {
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject { ["uid"] = deployment.Meta.Uid, ["annotations"] = new JsonObject { [ReplicaSetView.RevisionAnnotation] = revision } },
        };
        writes.Add(Kinds.Deployment, await _client.PatchAsync(Kinds.Deployment, deployment.Meta.Namespace, deployment.Meta.Name, Patch.Merge(patch), null, cancellation), _time.GetUtcNow());
    }
}
