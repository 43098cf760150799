using Kube.Types;
using Mpi.Model;
using PodView = Kube.Types.PodView;

namespace Mpi.Testing;

/// <summary>One change of one object, as a watch tells it.</summary>
/// <param name="Actor">Whose step it came from, such as <c>operator-1</c>, <c>user</c> or <c>controller/jobs</c>; empty where nobody can tell.</param>
public sealed record Change(DateTimeOffset At, string Actor, ResourceKind Kind, KubeObject? Before, KubeObject? After)
{
    public KubeObject Object => (After ?? Before)!;

    public bool IsOperators => Actor.StartsWith("operator", StringComparison.Ordinal);
}

/// <summary>
/// A cluster as its watches tell it, put together change by change: the objects as they stand, and the jobs with what belongs to
/// each. It knows nothing of the operator, so what checkers find in it does not depend on what the operator believes.
/// </summary>
public sealed class ClusterView(IEnumerable<IDialect> dialects)
{
    private readonly Dictionary<ResourceKind, IDialect> _dialects = dialects.ToDictionary(static d => d.Kind);
    private readonly SortedDictionary<(string Kind, ObjectKey Key), KubeObject> _objects = [];
    private readonly Dictionary<string, JobView> _jobs = new(StringComparer.Ordinal);

    // By an object's uid that of its controller; kept when the object goes, since its own children may outlive it.
    private readonly Dictionary<string, string> _owners = new(StringComparer.Ordinal);

    public DateTimeOffset Now { get; private set; }

    public IEnumerable<KubeObject> Objects => _objects.Values;

    /// <summary>Those that are there, in the order in which they came.</summary>
    public IEnumerable<JobView> Jobs => _jobs.Values.Where(static j => !j.IsGone);

    public KubeObject? Find(ResourceKind kind, ObjectKey key) => _objects.GetValueOrDefault((kind.ToString(), key));

    /// <summary>The job that an object is, or that it belongs to through its controllers, gone ones included; null for everybody else's.</summary>
    public JobView? JobOf(KubeObject obj)
    {
        if (_jobs.TryGetValue(obj.Meta.Uid, out var itself)) return itself;
        var uid = obj.Meta.Controller?.Uid;
        for (var depth = 0; uid is not null && depth < 4; depth++)
        {
            if (_jobs.TryGetValue(uid, out var job)) return job;
            uid = _owners.GetValueOrDefault(uid);
        }

        return null;
    }

    public bool IsJob(ResourceKind kind) => _dialects.ContainsKey(kind);

    public void Apply(Change change)
    {
        Now = change.At;
        var (key, meta) = ((change.Kind.ToString(), change.Object.Meta.Key), change.Object.Meta);
        if (change.After is { } after) _objects[key] = after;
        else _objects.Remove(key);
        if (meta.Controller is { } owner) _owners[meta.Uid] = owner.Uid;

        if (_dialects.TryGetValue(change.Kind, out var dialect))
        {
            if (!_jobs.TryGetValue(meta.Uid, out var job)) _jobs[meta.Uid] = job = new JobView(dialect, change.Object, change.At);
            job.Become(change.After, change.At);
        }
        else if (JobOf(change.Object) is { } parent)
        {
            if (change.Kind == Kinds.Pod) parent.Show(change.Object, gone: change.After is null, change.At);
            if (change.Kind == Kinds.Job && meta.Name == parent.Profile.Launcher) parent.LauncherJob = change.After;
        }
    }

    /// <summary>Nothing has changed until then.</summary>
    public void Pass(DateTimeOffset now) => Now = now;

    /// <summary>The object was taken away, and its removal is nobody's doing that is watched.</summary>
    public void Forget(ResourceKind kind, ObjectKey key) => _objects.Remove((kind.ToString(), key));
}

/// <summary>A pod of a job and its part in it.</summary>
/// <param name="Worker">Its index among the workers; null for a launcher.</param>
public sealed record MemberPod(PodView Pod, int? Worker)
{
    public bool IsLauncher => Worker is null;
    public bool IsLive => !Pod.IsFinished;

    public override string ToString() => Pod.Meta.Name;
}
