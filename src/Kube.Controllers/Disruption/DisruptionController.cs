using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Keeps the status of PodDisruptionBudgets (<see cref="DisruptionPlanner"/>). The key is the budget's.</summary>
public sealed class DisruptionController
{
    private static readonly ResourceKind[] Scaled = [Kinds.ReplicaSet, Kinds.StatefulSet, Kinds.Deployment];

    private readonly Memories<OwnWrites> _memories = new(static () => new OwnWrites());
    private readonly ClusterCaches _caches;
    private readonly IKubeClient _client;
    private readonly EventRecorder _events;
    private readonly TimeProvider _time;

    public DisruptionController(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client, _time) = (caches, client, time);
        _events = new EventRecorder(caches, client, time, random, "controllermanager");
        caches.Remembered.Add("disruption", () => _memories.Count);
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>("controller/disruption", queue, ReconcileAsync, [caches.Budgets.Reflector, caches.Pods.Reflector, caches.ReplicaSets.Reflector], options.Reporter("disruption"));
        caches.Budgets.Store.Subscribe(change => queue.Add(change.Key));
        caches.Pods.Store.Subscribe(change =>
        {
            foreach (var budget in caches.Budgets.Store.Having(ClusterCaches.BudgetsByNamespace, change.Key.Namespace))
            {
                if (Selects(budget, change.Old) || Selects(budget, change.New)) queue.Add(budget.Meta.Key);
            }
        });
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        var budget = _caches.Budgets.Store.Find(key);
        var writes = _memories.Of(key, budget?.Meta.Uid);
        if (budget is null or { Meta.DeletionTimestamp: not null }) return Outcome.Done;
        var now = _time.GetUtcNow();
        if (!writes!.AreSeen(_ => _caches.Budgets.Store.Snapshot.SeenUpTo, now)) return Pass.RevisitAt(writes.AwaitedUntil, now);
        var pods = _caches.Pods.Store.Having(ClusterCaches.PodsByNamespace, key.Namespace).Where(p => Selects(budget, p)).ToList();
        if (pods.Count == 0 && !budget.Root.Has("status", "observedGeneration")) await _events.RecordAsync(budget, "Normal", "NoPods", "No matching pods found", cancellation);

        var scales = new Dictionary<string, (string, int)?>(StringComparer.Ordinal);
        foreach (var pod in pods)
        {
            if (pod.Meta.Controller is { } owner && !scales.ContainsKey(owner.Uid)) scales[owner.Uid] = await ScaleAsync(key.Namespace, owner, cancellation);
        }

        var (status, again) = DisruptionPlanner.Plan(new ObservedBudget(budget, [.. pods], p => p.Meta.Controller is { } owner ? scales[owner.Uid] : null, now));
        await StatusUpdate.WriteAsync(_client, Kinds.PodDisruptionBudget, budget, status, writes, _time, cancellation);
        return Pass.RevisitAt(again, now);
    }

    /// <summary>What the pods' controller wants, or the controller of that one: a Deployment decides for its ReplicaSets.</summary>
    private async Task<(string, int)?> ScaleAsync(string ns, OwnerReference owner, CancellationToken cancellation)
    {
        if (Array.Find(Scaled, k => k.Kind == owner.Kind && k.ApiVersion == owner.ApiVersion) is not { } kind) return null;
        try
        {
            var found = await _client.GetAsync(kind, ns, owner.Name, cancellation);
            if (found.Meta.Uid != owner.Uid) return null;
            if (found.Meta.Controller is { } above && await ScaleAsync(ns, above, cancellation) is { } scale) return scale;
            return (owner.Uid, (int)(found.Root.Integer("spec", "replicas") ?? 1));
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    // An empty selector selects every pod of the namespace; an absent one none.
    private static bool Selects(KubeObject budget, PodView? pod) =>
        pod is not null && LabelSelector.Read(budget.Root.At("spec", "selector"), "spec.selector", []).Matches(pod.Meta.Labels);
}
