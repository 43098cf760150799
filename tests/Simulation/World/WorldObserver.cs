using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
using Mpi.Testing;
using PodView = Kube.Types.PodView;

namespace Simulation;

/// <summary>
/// Sees every change of every object, in order, and holds each against the invariants of design section 3. Its record of
/// the run is one hash: two runs of one seed must agree on it.
/// </summary>
public sealed class WorldObserver : IAsyncDisposable
{
    private const string JobLabel = "training.kubeflow.org/job-name";
    private const string RoleLabel = "training.kubeflow.org/job-role";

    private readonly IReadOnlyList<Checker> _checkers;
    private readonly List<(ResourceKind Kind, WatchEvent Event, long Version)> _news = [];
    private readonly Dictionary<(string Namespace, string Job), SortedDictionary<string, PodView>> _podsOfJob = [];
    private readonly List<(ResourceKind Kind, IWatch Watch)> _watches = [];
    private readonly IncrementalHash _trace = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly VirtualClock _clock;

    public WorldObserver(IKubeReader reader, VirtualClock clock, SimulationOptions options)
    {
        _clock = clock;
        View = new ClusterView(options.Dialects);
        _checkers = Checker.All(options.Planning);
        foreach (var kind in SimulatedCluster.Watched.Union(options.AlsoWatched))
        {
            var version = SimulatedCluster.Now(reader.ListAsync(kind, null, new ListOptions(), CancellationToken.None)).ResourceVersion;
            var forever = new WatchOptions(version, Timeout: TimeSpan.FromDays(1000));
            _watches.Add((kind, SimulatedCluster.Now(reader.WatchAsync(kind, null, forever, CancellationToken.None))));
        }
    }

    /// <summary>What was seen, for checkers.</summary>
    public ClusterView View { get; }

    public IEnumerable<KubeObject> Objects => View.Objects;

    /// <summary>Changes seen so far.</summary>
    public long Changes { get; private set; }

    /// <summary>Of everything that happened so far, in order.</summary>
    public string TraceHash => Convert.ToHexStringLower(_trace.GetCurrentHash());

    public KubeObject? Find(ResourceKind kind, ObjectKey key) => View.Find(kind, key);

    /// <summary>Told of every change: the object before and after it.</summary>
    public Action<ResourceKind, KubeObject?, KubeObject?> Changed { get; set; } = static (_, _, _) => { };

    /// <summary>Told of every change with whose it was.</summary>
    public Action<Change> Seen { get; set; } = static _ => { };

    public IEnumerable<PodView> Pods(string ns, string job, string role) =>
        _podsOfJob.TryGetValue((ns, job), out var pods) ? pods.Values.Where(p => p.Meta.Labels.GetValueOrDefault(RoleLabel) == role) : [];

    /// <summary>The test itself takes this object away: its removal is nobody's breach.</summary>
    public void Expect(ResourceKind kind, ObjectKey key)
    {
        if (View.Find(kind, key) is not { } gone) return;
        View.Forget(kind, key);
        if (kind == Kinds.Pod) Index(gone, null);
    }

    /// <summary>Everything is at rest: what must hold then is held against it.</summary>
    /// <exception cref="ViolationException">It does not.</exception>
    public void Rest()
    {
        View.Pass(_clock.GetUtcNow());
        foreach (var checker in _checkers) checker.Rested(View);
    }

    /// <summary>Takes in what somebody's step has changed, in the order of the server's versions.</summary>
    /// <exception cref="ViolationException">The step broke a rule.</exception>
    public void Look(string actor)
    {
        Record($"{_clock.GetUtcNow().Ticks} {actor}");
        _news.Clear();
        foreach (var (kind, watch) in _watches)
        {
            while (watch.TryRead(out var change))
            {
                if (change.Type != WatchEventType.Bookmark) _news.Add((kind, change, long.Parse(change.Object.Meta.ResourceVersion, CultureInfo.InvariantCulture)));
            }

            if (watch.Ended) throw new InvalidOperationException($"the observer's watch of {kind.Plural} ended");
        }

        _news.Sort(static (a, b) => a.Version.CompareTo(b.Version));
        foreach (var (kind, news, _) in _news) Take(kind, news, actor);
    }

    private void Take(ResourceKind kind, WatchEvent news, string actor)
    {
        Changes++;
        var before = View.Find(kind, news.Object.Meta.Key);
        var after = news.Type == WatchEventType.Deleted ? null : news.Object;
        Record($"{news.Type} {kind.Kind} {news.Object.Meta.Key} {news.Object.Meta.ResourceVersion}");
        if (before is null && after is null) return;
        // One that was made anew under its name between two looks is another object.
        if (before is not null && after is not null && before.Meta.Uid != after.Meta.Uid) before = null;
        var change = new Change(_clock.GetUtcNow(), actor, kind, before, after);
        View.Apply(change);
        if (kind == Kinds.Pod) Index(before, after);
        foreach (var checker in _checkers) checker.Changed(change, View);
        Seen(change);
        Changed(kind, before, after);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, watch) in _watches) await watch.DisposeAsync();
        _trace.Dispose();
    }

    private void Index(KubeObject? before, KubeObject? after)
    {
        if (before?.Meta is { } old && old.Labels.TryGetValue(JobLabel, out var of) && _podsOfJob.TryGetValue((old.Namespace, of), out var present)) present.Remove(old.Name);
        if (after?.Meta is not { } meta || !meta.Labels.TryGetValue(JobLabel, out var job)) return;
        if (!_podsOfJob.TryGetValue((meta.Namespace, job), out var pods)) _podsOfJob[(meta.Namespace, job)] = pods = new SortedDictionary<string, PodView>(StringComparer.Ordinal);
        pods[meta.Name] = new PodView(after);
    }

    private void Record(string what) => _trace.AppendData(Encoding.UTF8.GetBytes(what + "\n"));
}
