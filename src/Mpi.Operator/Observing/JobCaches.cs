using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;
using Mpi.Model;
using Mpi.Planning;
using PodView = Mpi.Planning.PodView;

namespace Mpi.Operator;

/// <summary>
/// The watches for one dialect and what they keep. Pods come by the labels that every pod of its jobs carries. Jobs and Services carried no
/// label of their own under the old operator, whose running jobs must be taken over; they are all watched and only those
/// that one of our jobs controls are kept; so are StatefulSets, where the dialect makes any. Secrets and ConfigMaps are not watched (<see cref="Ownership"/>). So memory grows
/// with our own objects, each kept as the few fields that plans need.
/// </summary>
internal sealed class JobCaches : IWorldView, IAsyncDisposable
{
    /// <summary>
    /// Pods change in swarms: when a gang starts, one pass after a moment sees what many at once would each see a part of.
    /// </summary>
    private static readonly TimeSpan SwarmDelay = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// A Job says that it has failed when its pods have ended, or are gone. They come by another watch, which may be behind; their events
    /// end the wait, and what they tell explains the failure.
    /// </summary>
    private static readonly TimeSpan PodsDelay = TimeSpan.FromSeconds(1);

    private readonly StoreIndex<Child<PodView>> _podsOfJob = new("job", static pod => [pod.Job.ToString()]);
    private readonly Store<KubeObject> _jobs;
    private readonly Store<Child<PodView>> _pods;
    private readonly Store<Child<LauncherView>> _launchers;
    private readonly Store<Child<ServiceView>> _services;
    private readonly Store<Child<StatefulSetView>> _workerSets;
    private readonly ImmutableArray<(ResourceKind Kind, Store<Child<GangObjectView>> Store, Reflector<Child<GangObjectView>> Reflector)> _gangs;
    private readonly ResourceKind _jobKind;
    private readonly Reflector<KubeObject> _jobWatch;
    private readonly ImmutableDictionary<ResourceKind, IReflector> _childWatches;

    /// <summary>How soon a gang scheduler is noticed that is installed while the operator runs.</summary>
    private static readonly TimeSpan LookForGangs = TimeSpan.FromMinutes(2);

    /// <summary>How soon a dialect's kind is noticed that is installed while the operator runs.</summary>
    private static readonly TimeSpan LookForJobs = TimeSpan.FromSeconds(30);

    // By the UID of the launcher Job.
    private readonly ConcurrentDictionary<string, PodView> _failedPods = new(StringComparer.Ordinal);

    private sealed record Child<T>(ObjectKey Job, T View);

    /// <param name="required">Whether the cluster must serve the dialect's kind. Where it need not and does not, nothing else is watched either.</param>
    /// <param name="ns">The namespace to watch; null for all.</param>
    public JobCaches(IKubeReader client, IDialect dialect, bool required, string? ns, WorkQueue<ObjectKey> queue, TimeProvider time, Random random, Action<string> onFailure)
    {
        var jobKind = _jobKind = dialect.Kind;
        _jobs = new Store<KubeObject>(WithoutManagedFields);
        _pods = new Store<Child<PodView>>(
            pod => dialect.JobOf(pod.Meta.Labels) is { } job ? new Child<PodView>(new ObjectKey(pod.Meta.Namespace, job), PodView.Read(pod.Root)) : null,
            _podsOfJob);
        _launchers = new Store<Child<LauncherView>>(obj => OfJob(obj, jobKind) is { } job ? new Child<LauncherView>(job, LauncherView.Read(obj.Root)) : null);
        _services = new Store<Child<ServiceView>>(obj => OfJob(obj, jobKind) is { } job ? new Child<ServiceView>(job, ServiceView.Read(obj.Root)) : null);
        _workerSets = new Store<Child<StatefulSetView>>(obj => OfJob(obj, jobKind) is { } job ? new Child<StatefulSetView>(job, StatefulSetView.Read(obj.Root)) : null);

        _jobs.Subscribe(change => queue.Add(change.Key));
        _pods.Subscribe(change =>
        {
            if (change.New is { View.HasFailed: true } failed) RememberFailed(failed);
            queue.AddAfter((change.New ?? change.Old)!.Job, SwarmDelay);
        });
        _launchers.Subscribe(change =>
        {
            if (change.Old is { } old && change.New?.View.Meta.Uid != old.View.Meta.Uid) _failedPods.TryRemove(old.View.Meta.Uid, out _);
            if (change.New is { View.End.Succeeded: false } failed) queue.AddAfter(failed.Job, PodsDelay);
            else queue.Add((change.New ?? change.Old)!.Job);
        });
        _services.Subscribe(change => queue.Add((change.New ?? change.Old)!.Job));
        _workerSets.Subscribe(change => queue.Add((change.New ?? change.Old)!.Job));

        _jobWatch = Reflect(jobKind, _jobs, "", required ? null : LookForJobs);
        _gangs = [.. GangBackend.AllKinds.Select(kind =>
        {
            var store = new Store<Child<GangObjectView>>(obj => OfJob(obj, jobKind) is { } job ? new Child<GangObjectView>(job, GangObjectView.Read(kind, obj.Root)) : null);
            store.Subscribe(change => queue.Add((change.New ?? change.Old)!.Job));
            return (kind, store, Reflect(kind, store, "", LookForGangs));
        })];
        var children = new Dictionary<ResourceKind, IReflector>(_gangs.Select(g => KeyValuePair.Create(g.Kind, Dependent(g.Reflector))))
        {
            [Kinds.Pod] = Dependent(Reflect(Kinds.Pod, _pods, dialect.WatchedPods)),
            [Kinds.Job] = Dependent(Reflect(Kinds.Job, _launchers, "")),
            [Kinds.Service] = Dependent(Reflect(Kinds.Service, _services, "")),
        };
        if (dialect.MakesStatefulSets) children[Kinds.StatefulSet] = Dependent(Reflect(Kinds.StatefulSet, _workerSets, ""));
        _childWatches = children.ToImmutableDictionary();

        IReflector Dependent(IReflector child) => required ? child : new DependentReflector(child, _jobWatch);

        Reflector<T> Reflect<T>(ResourceKind kind, Store<T> store, string labels, TimeSpan? absentPause = null) where T : class => new(
            client, kind, ns, store,
            new ReflectorOptions(labels) { AbsentPause = absentPause, OnFailure = (trouble, _) => onFailure($"{kind.Plural}: {trouble}") },
            time, random);
    }

    public IReadOnlyList<IReflector> Reflectors => [.. All.OrderBy(static r => r.Key.Plural, StringComparer.Ordinal).ThenBy(static r => r.Key.ApiVersion, StringComparer.Ordinal).Select(static r => r.Value)];

    /// <summary>The kinds whose first list is still under way; of what a kind that is not served would own, none ever is.</summary>
    public IEnumerable<string> Unsynced =>
        (_jobWatch is { HasSynced: true, WasServed: false } ? [] : All.Where(static r => !r.Value.HasSynced)).Select(static r => r.Key.Plural).Order(StringComparer.Ordinal);

    private IEnumerable<KeyValuePair<ResourceKind, IReflector>> All => _childWatches.Append(KeyValuePair.Create<ResourceKind, IReflector>(_jobKind, _jobWatch));

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, reflector) in All) await reflector.DisposeAsync();
    }

    public KubeObject? Job(ObjectKey key) => _jobs.Find(key);

    public ServiceView? Service(ObjectKey key) => _services.Find(key)?.View;

    public StatefulSetView? WorkerSet(ObjectKey key) => _workerSets.Find(key)?.View;

    public LauncherView? Launcher(ObjectKey key) => _launchers.Find(key)?.View;

    public IReadOnlyList<PodView> Pods(ObjectKey job) => [.. _pods.Having(_podsOfJob, job.ToString()).Select(static p => p.View)];

    public PodView? FailedPod(string launcherUid) => _failedPods.GetValueOrDefault(launcherUid);

    public IEnumerable<GangObjectView> GangObjects(ObjectKey group) => _gangs.Select(g => g.Store.Find(group)).OfType<Child<GangObjectView>>().Select(static g => g.View);

    public ImmutableHashSet<ResourceKind> GangKinds => [.. _gangs.Where(static g => g.Reflector.IsServed).Select(static g => g.Kind)];

    public bool Watches(ResourceKind kind) => WatchOf(kind) is not null;

    public string? SeenUpTo(ResourceKind kind) => WatchOf(kind)?.SeenUpTo;

    public void Distrust(ResourceKind? kind)
    {
        foreach (var (watched, reflector) in All)
        {
            if (kind is null || kind == watched) reflector.Relist();
        }
    }

    private IReflector? WatchOf(ResourceKind kind) => kind == _jobKind ? _jobWatch : _childWatches.GetValueOrDefault(kind);

    /// <summary>The job that controls an object, by the owner's name; null for everybody else's.</summary>
    private static ObjectKey? OfJob(KubeObject obj, ResourceKind jobKind) =>
        obj.Meta.Controller is { } owner && owner.Kind == jobKind.Kind && owner.ApiVersion.StartsWith(jobKind.Group + "/", StringComparison.Ordinal)
            ? new ObjectKey(obj.Meta.Namespace, owner.Name)
            : null;

    private void RememberFailed(Child<PodView> pod)
    {
        const string Prefix = "Job/";
        var owner = pod.View.Meta;
        if (!owner.OwnerName.StartsWith(Prefix, StringComparison.Ordinal)) return;
        _failedPods[owner.OwnerUid] = pod.View;
        // Its Job may have gone before it, and then nothing would end the memory.
        if (Launcher(new ObjectKey(pod.Job.Namespace, owner.OwnerName[Prefix.Length..]))?.Meta.Uid != owner.OwnerUid) _failedPods.TryRemove(owner.OwnerUid, out _);
    }

    private static KubeObject WithoutManagedFields(KubeObject job)
    {
        if (!job.Root.Has("metadata", "managedFields")) return job;
        var tree = job.ToTree();
        ((System.Text.Json.Nodes.JsonObject)tree["metadata"]!).Remove("managedFields");
        return KubeObject.From(tree);
    }
}
