using System.Security.Cryptography;
using System.Text;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
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

    private readonly SortedDictionary<(string Kind, ObjectKey Key), KubeObject> _objects = [];
    private readonly Dictionary<(string Namespace, string Job), SortedDictionary<string, PodView>> _podsOfJob = [];
    private readonly List<(ResourceKind Kind, IWatch Watch)> _watches = [];
    private readonly IncrementalHash _trace = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Invariants _invariants;
    private readonly VirtualClock _clock;

    public WorldObserver(IKubeReader reader, VirtualClock clock, SimulationOptions options)
    {
        _clock = clock;
        _invariants = new Invariants(this, gated: !options.Planning.Strict && options.Planning.Gate.Enabled);
        foreach (var kind in SimulatedCluster.Watched)
        {
            var version = SimulatedCluster.Now(reader.ListAsync(kind, null, new ListOptions(), CancellationToken.None)).ResourceVersion;
            var forever = new WatchOptions(version, Timeout: TimeSpan.FromDays(1000));
            _watches.Add((kind, SimulatedCluster.Now(reader.WatchAsync(kind, null, forever, CancellationToken.None))));
        }
    }

    public IEnumerable<KubeObject> Objects => _objects.Values;

    /// <summary>Changes seen so far.</summary>
    public long Changes { get; private set; }

    /// <summary>Of everything that happened so far, in order.</summary>
    public string TraceHash => Convert.ToHexStringLower(_trace.GetCurrentHash());

    public KubeObject? Find(ResourceKind kind, ObjectKey key) => _objects.GetValueOrDefault((kind.Kind, key));

    /// <summary>Told of every change: the object before and after it.</summary>
    public Action<ResourceKind, KubeObject?, KubeObject?> Changed { get; set; } = static (_, _, _) => { };

    public IEnumerable<PodView> Pods(string ns, string job, string role) =>
        _podsOfJob.TryGetValue((ns, job), out var pods) ? pods.Values.Where(p => p.Meta.Labels.GetValueOrDefault(RoleLabel) == role) : [];

    /// <summary>Whether all workers of a launcher pod's job run: what its gate waits for.</summary>
    public bool WorkersRun(PodView launcher)
    {
        var name = launcher.Meta.Labels.GetValueOrDefault(JobLabel) ?? "";
        if (Find(MpiJobs.Kind, new ObjectKey(launcher.Meta.Namespace, name)) is not { } job) return false;
        var wanted = job.Root.Integer("spec", "mpiReplicaSpecs", "Worker", "replicas") ?? 0;
        var running = Pods(launcher.Meta.Namespace, name, "worker").Where(static p => p.Phase == "Running").Select(static p => p.Meta.Name).ToHashSet(StringComparer.Ordinal);
        return Enumerable.Range(0, (int)wanted).All(i => running.Contains($"{name}-worker-{i}"));
    }

    /// <summary>The test itself takes this object away: its removal is nobody's breach.</summary>
    public void Expect(ResourceKind kind, ObjectKey key)
    {
        if (!_objects.Remove((kind.Kind, key), out var gone)) return;
        if (kind == Kinds.Pod) Index(gone, null);
    }

    /// <summary>Takes in what a step has changed.</summary>
    /// <exception cref="InvariantException">The step broke a rule.</exception>
    public void Look(string step)
    {
        Record($"{_clock.GetUtcNow().Ticks} {step}");
        foreach (var (kind, watch) in _watches)
        {
            while (watch.TryRead(out var change))
            {
                if (change.Type == WatchEventType.Bookmark) continue;
                Changes++;
                var key = (kind.Kind, change.Object.Meta.Key);
                var before = _objects.GetValueOrDefault(key);
                if (change.Type == WatchEventType.Deleted) _objects.Remove(key);
                else _objects[key] = change.Object;
                Record($"{change.Type} {kind.Kind} {change.Object.Meta.Key} {change.Object.Meta.ResourceVersion}");
                var after = change.Type == WatchEventType.Deleted ? null : change.Object;
                if (before is null && after is null) continue;
                if (kind == Kinds.Pod) Index(before, after);
                _invariants.Check(kind, before, after, step);
                Changed(kind, before, after);
            }

            if (watch.Ended) throw new InvalidOperationException($"the observer's watch of {kind.Plural} ended");
        }
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
