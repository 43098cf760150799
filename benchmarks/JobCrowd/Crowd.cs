using System.Collections.Immutable;
using System.Globalization;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;

namespace Benchmarks.JobCrowd;

/// <summary>Follows the jobs and their pods as any client may, and notes when each was seen to run, ended and was cleaned up.</summary>
internal sealed class Crowd : IAsyncDisposable
{
    public const string RoleLabel = "training.kubeflow.org/job-role";
    private const string JobLabel = "training.kubeflow.org/job-name";

    private readonly StoreIndex<PodView> _ofJob = new("job", static pod => [pod.Meta.Labels.GetValueOrDefault(JobLabel) ?? ""]);
    private readonly Store<PodView> _pods;
    private readonly Life[] _lives;
    private readonly int _workers;
    private readonly Reflector<KubeObject> _jobsWatch;
    private readonly Reflector<PodView> _podsWatch;
    private readonly TaskCompletionSource _ran = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _cleanedUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();

    private sealed class Life
    {
        public bool Ran { get; set; }
        public DateTimeOffset? Ended { get; set; }
        public TimeSpan? CleanUp { get; set; }
    }

    public Crowd(IKubeReader client, int jobs, int workers)
    {
        _workers = workers;
        _lives = [.. Enumerable.Range(0, jobs).Select(static _ => new Life())];
        var store = new Store<KubeObject>(static job => job);
        store.Subscribe(change => Note(change.New));
        _pods = new Store<PodView>(static pod => new PodView(pod), _ofJob);
        _pods.Subscribe(change => Note(change.New ?? change.Old!));
        _jobsWatch = new Reflector<KubeObject>(client, KubeflowV2Beta1Dialect.MpiJob, null, store, new ReflectorOptions(), TimeProvider.System, new Random(3));
        _podsWatch = new Reflector<PodView>(client, Kinds.Pod, null, _pods, new ReflectorOptions(JobLabel), TimeProvider.System, new Random(4));
    }

    public IEnumerable<ILoop> Loops => [_jobsWatch, _podsWatch];
    public Task AllRan => _ran.Task;
    public Task AllCleanedUp => _cleanedUp.Task;

    public string CleanUps
    {
        get
        {
            var times = _lives.Select(static l => l.CleanUp!.Value.TotalSeconds).Order().ToImmutableArray();
            return string.Create(CultureInfo.InvariantCulture, $"median {times[times.Length / 2]:0.00} s, longest {times[^1]:0.00} s");
        }
    }

    public static string NameOf(int number) => $"job-{number}";

    public static int NumberOf(PodView pod) => int.Parse(pod.Meta.Labels[JobLabel].AsSpan("job-".Length), CultureInfo.InvariantCulture);

    /// <summary>What a launcher's gate waits for.</summary>
    public bool WorkersRun(PodView launcher) => Workers(launcher).Count(static p => p.Phase == "Running") == _workers;

    public async ValueTask DisposeAsync()
    {
        await _jobsWatch.DisposeAsync();
        await _podsWatch.DisposeAsync();
    }

    private IEnumerable<PodView> Workers(PodView pod) =>
        _pods.Having(_ofJob, pod.Meta.Labels[JobLabel]).Where(static p => p.Meta.Labels.GetValueOrDefault(RoleLabel) == "worker");

    private void Note(KubeObject? job)
    {
        if (job is null || !Conditions.IsTrue(job.Root.At("status"), "Running")) return;
        lock (_gate)
        {
            _lives[int.Parse(job.Meta.Name.AsSpan("job-".Length), CultureInfo.InvariantCulture)].Ran = true;
            if (_lives.All(static l => l.Ran)) _ran.TrySetResult();
        }
    }

    private void Note(PodView pod)
    {
        lock (_gate)
        {
            var life = _lives[NumberOf(pod)];
            if (pod.Phase == "Succeeded" && pod.Meta.Labels.GetValueOrDefault(RoleLabel) == "launcher") life.Ended ??= DateTimeOffset.UtcNow;
            if (life is not { Ended: { } ended, CleanUp: null } || Workers(pod).Any()) return;
            life.CleanUp = DateTimeOffset.UtcNow - ended;
            if (_lives.All(static l => l.CleanUp is not null)) _cleanedUp.TrySetResult();
        }
    }
}
