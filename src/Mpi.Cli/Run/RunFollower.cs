using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary>Follows the jobs of a run from their creation to their end: looks again at each change, passes output on, reports.</summary>
internal sealed class RunFollower : IAsyncDisposable
{
    /// <summary>How often the live line moves.</summary>
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(100);

    /// <summary>How long output may still trickle in after a job has ended.</summary>
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(5);

    private readonly LoopHost _loops = new();
    private readonly Signal _changed;
    private readonly TimeProvider _time;
    private readonly string? _namespace;
    private readonly Store<KubeObject> _pods = new(static o => o);
    private readonly Store<KubeObject> _jobs = new(static o => o);
    private readonly Store<KubeObject> _sets = new(static o => o);
    private readonly Dictionary<ResourceKind, Store<KubeObject>> _mpiJobs = [];
    private readonly ImmutableArray<FollowedJob> _followed;

    /// <summary>How often the processes are looked at while a launcher runs: a rank of a twentieth of a second is seen.</summary>
    private static readonly TimeSpan RankGlance = TimeSpan.FromMilliseconds(30);

    public RunFollower(RunCluster cluster, IReadOnlyList<StartedJob> started, Func<RunReport> report, StatusLine line, bool outputToError, TimeProvider time)
    {
        _time = time;
        _namespace = started.Select(static j => j.Object.Meta.Namespace).Distinct().ToList() is [var only] ? only : null;
        var client = cluster.Client;
        _changed = new Signal(time);
        _followed = [.. started.Select(job => new FollowedJob(
            job, report(), new RankObserver(cluster.Ranks), new LauncherOutput(client, job.Object.Meta.Namespace, outputToError ? text => line.Say(text.TrimEnd('\n')) : line.Output)))];

        Follow(client, Kinds.Pod, _pods);
        Follow(client, Kinds.Job, _jobs);
        if (started.Any(static j => ManifestDialects.For(j.Kind.ApiVersion, j.Kind.Kind) is { MakesStatefulSets: true })) Follow(client, Kinds.StatefulSet, _sets);
        foreach (var kind in started.Select(static j => j.Kind).Distinct()) Follow(client, kind, _mpiJobs[kind] = new Store<KubeObject>(static o => o));
    }

    public IReadOnlyList<FollowedJob> Jobs => _followed;

    /// <summary>Returns when every job has ended and said all it had to say.</summary>
    public async Task UntilEndAsync(bool live, CancellationToken cancellation)
    {
        while (true)
        {
            foreach (var job in _followed) await LookAsync(job, cancellation);
            if (_followed.FirstOrDefault(static j => j.Timeline.Outcome is null) is not { } unfinished) break;
            unfinished.Report.Live(_time.GetElapsedTime(unfinished.Started.At), unfinished.Timeline);
            TimeSpan? pause = _followed.Any(static j => j.LauncherRuns) ? RankGlance : live ? Frame : null;
            await _changed.WaitAsync(pause is { } frame ? _time.GetUtcNow() + frame : null, cancellation);
        }

        await Task.WhenAny(Task.WhenAll(_followed.Select(static j => j.Output.Drained)), Task.Delay(DrainLimit, _time, cancellation));
    }

    /// <summary>Returns when no pod of any job is left.</summary>
    public async Task UntilPodsGoneAsync(CancellationToken cancellation)
    {
        while (_pods.Snapshot.Values.Any(p => _followed.Any(j => j.PodUids.Contains(p.Meta.Uid)))) await _changed.WaitAsync(due: null, cancellation);
    }

    public ValueTask DisposeAsync() => _loops.DisposeAsync();

    private void Follow(KubeClient client, ResourceKind kind, Store<KubeObject> store)
    {
        store.Subscribe(_ => _changed.Raise());
        _loops.Start([new Reflector<KubeObject>(client, kind, _namespace, store, new ReflectorOptions(), _time, new Random())]);
    }

    private async ValueTask LookAsync(FollowedJob job, CancellationToken cancellation)
    {
        var key = job.Started.Object.Meta.Key;
        if (_mpiJobs[job.Started.Kind].Find(key) is not { } now) return;
        var owners = InNamespace(_jobs, key.Namespace).Where(j => j.Meta.Controller?.Uid == now.Meta.Uid).ToList();
        var sets = InNamespace(_sets, key.Namespace).Where(s => s.Meta.Controller?.Uid == now.Meta.Uid).ToList();
        var uids = owners.Concat(sets).Select(static j => j.Meta.Uid).Append(now.Meta.Uid).ToHashSet(StringComparer.Ordinal);
        var pods = InNamespace(_pods, key.Namespace).Where(p => p.Meta.Controller is { } owner && uids.Contains(owner.Uid)).ToList();
        job.PodUids.UnionWith(pods.Select(static p => p.Meta.Uid));
        job.Timeline = job.Timeline.Look(_time.GetElapsedTime(job.Started.At), now, pods, owners, sets);
        job.Report.Progress(key.Name, job.Timeline);
        if (job.LauncherRuns)
        {
            await job.LookForRanksAsync(pods, cancellation);
        }

        foreach (var launcher in pods.Where(p => job.Timeline.LauncherPods.Contains(p.Meta.Name)))
        {
            var container = launcher.Root.Items("spec", "containers").Select(static c => c.Text("name")).FirstOrDefault() ?? "";
            foreach (var status in launcher.Root.Items("status", "containerStatuses").Where(c => c.Text("name") == container))
            {
                if (status.Has("state", "running") || status.Has("state", "terminated"))
                {
                    job.Output.Follow(launcher.Meta.Name, container, (int)(status.Integer("restartCount") ?? 0), cancellation);
                }
            }
        }
    }

    private static List<KubeObject> InNamespace(Store<KubeObject> store, string ns) =>
        [.. store.Snapshot.Values.Where(o => o.Meta.Namespace == ns)];
}

/// <param name="At">When it was begun, as <see cref="TimeProvider.GetTimestamp"/> tells it.</param>
internal sealed record StartedJob(ResourceKind Kind, KubeObject Object, long At);

internal sealed class FollowedJob(StartedJob started, RunReport report, RankObserver ranks, LauncherOutput output)
{
    public StartedJob Started => started;
    public RunReport Report => report;
    public LauncherOutput Output => output;
    public JobTimeline Timeline { get; set; } = new();

    /// <summary>All pods that the job has had.</summary>
    public HashSet<string> PodUids { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<RankPlace> Ranks => [.. ranks.Seen.Select(static r => new RankPlace(r.Key, r.Value))];
    public bool LauncherRuns => Timeline.HasReached(RunStage.LauncherRunning) && Timeline.Outcome is null;

    public async ValueTask LookForRanksAsync(IEnumerable<KubeObject> pods, CancellationToken cancellation)
    {
        try
        {
            await ranks.LookAsync(pods.Where(static p => p.Root.Text("status", "phase") == "Running"), cancellation);
        }
        catch (Exception missed) when (missed is ApiException or HttpRequestException)
        {
            // A look that was missed leaves ranks unobserved, and nothing else.
        }
    }
}
