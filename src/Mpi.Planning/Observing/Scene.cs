using System.Collections.Immutable;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>An observation with the questions answered that every step asks: what is recorded, and what of it is ours.</summary>
internal sealed class Scene
{
    private Scene(ObservedRun seen, RunProfile profile, RecordedRun recorded)
    {
        Seen = seen;
        Profile = profile;
        Recorded = recorded;
        WorkerSet = seen.WorkerSet is { } set && Owns(set.Meta) ? set : null;
        var replaced = recorded.Attempt is { Clearing: true } attempt ? attempt.Replaces : null;
        var launcher = seen.Launcher is { } found && Owns(found.Meta) ? found : null;
        Launcher = launcher?.Meta.Uid == replaced ? null : launcher;
        ReplacedLauncher = Launcher is null ? launcher : null;
        var members = seen.LauncherPods.Where(p => p.Meta.OwnerUid == Launcher?.Meta.Uid).ToLookup(static p => p.CompletionIndex > 0);
        LauncherPods = [.. members[false].OrderBy(static p => p.Meta.CreationTimestamp)];
        Workers = [.. seen.Workers.Where(Owns).Concat(members[true]).OrderBy(w => WorkerIndex(w) ?? int.MaxValue)];
        ReplacedLauncherPods = [.. seen.LauncherPods.Where(p => p.Meta.OwnerUid != Launcher?.Meta.Uid)];
    }

    public ObservedRun Seen { get; }
    public RunProfile Profile { get; }
    public RecordedRun Recorded { get; }
    public PlanningOptions Options => Seen.Options;
    public DateTimeOffset Now => Seen.Now;
    public string Uid => Seen.Job.Meta.Uid;
    public string Namespace => Seen.Job.Meta.Namespace;

    /// <summary>The job's own workers, by index, those that are indexes of the launcher's Job among them; one that does not have a worker's name comes last.</summary>
    public ImmutableArray<PodView> Workers { get; }

    /// <summary>The StatefulSet whose pods the workers are.</summary>
    public StatefulSetView? WorkerSet { get; }

    /// <summary>The launcher Job of the current attempt.</summary>
    public LauncherView? Launcher { get; }

    /// <summary>Its pods that are launchers, oldest first.</summary>
    public ImmutableArray<PodView> LauncherPods { get; }

    /// <summary>
    /// Launchers that failed in this attempt. Where the Job's further indexes are workers its own count has those as well: there the launcher's pod
    /// counts, and goes on counting when it is gone.
    /// </summary>
    public int LauncherFailures => Launcher switch
    {
        null => 0,
        { } job when Profile.FirstWorker == 0 => job.Failed,
        _ => LauncherPods.Any(OneJob.HasFailedByItself) ? 1 : Recorded.Counts.Launcher?.Failed ?? 0,
    };

    /// <summary>The launcher Job that must go before the current attempt's is made, and pods of launchers that are no more.</summary>
    public LauncherView? ReplacedLauncher { get; }
    public ImmutableArray<PodView> ReplacedLauncherPods { get; }

    /// <summary>Whether the launcher's own command has started in this attempt, not only its gate.</summary>
    public bool LauncherStarted => LauncherPods.Any(static p => p.Started || p.Phase == PodPhase.Running);

    /// <summary>A launcher's pod is there whose command has not started yet: the first, or one that the Job made after a failure.</summary>
    public bool LauncherWaits => LauncherPods.Any(static p => p is { Started: false, Phase: PodPhase.Pending, Meta.Deleting: false });

    public static Scene Of(ObservedRun seen) =>
        new(seen, seen.Dialect.Profile(seen.Job.Meta), seen.Dialect.Status.Read(seen.Job.Root.At("status")));

    /// <summary>The attempt as it is recorded, with the launcher that has been made for it since: whoever deletes that before it is recorded has deleted a launcher all the same.</summary>
    public AttemptRecord Attempt => Recorded switch
    {
        { Attempt: { LauncherUid: null, Clearing: false } attempt, Suspended: not true } when Seen.Launched is { } made && made.Attempt == attempt.Number => attempt with { LauncherUid = made.Meta.Uid },
        { Attempt: { } attempt } => attempt,
        _ => new AttemptRecord(1),
    };

    public bool Owns(ChildMeta child) => child.OwnerUid == Uid && Uid.Length > 0;

    /// <summary>The job's own, or its StatefulSet's; one of a StatefulSet that is no more is ours until it is collected.</summary>
    public bool Owns(PodView pod) => Owns(pod.Meta)
        || (pod.Meta.OwnerUid.Length > 0 && pod.Meta.OwnerUid == WorkerSet?.Meta.Uid)
        || (pod.JobUidLabel == Uid && pod.Meta.OwnerName == $"{Kinds.StatefulSet.Kind}/{Profile.WorkerSet}");

    public PodView? Worker(int index) => WorkersByIndex.GetValueOrDefault(index);

    /// <summary>Whether a pod that is not the run's is seen under a worker's name.</summary>
    public bool IsStrangers(int index) => Strangers.Contains(Profile.Worker(index));

    /// <summary>Of a Job's pods the controller's own mark counts, of all others the name.</summary>
    public int? WorkerIndex(PodView pod) => pod.CompletionIndex is { } index ? index - Profile.FirstWorker : Profile.WorkerIndex(pod.Meta.Name);

    public ObjectKey Key(string name) => new(Namespace, name);

    private ImmutableHashSet<string> Strangers => field ??= [.. Seen.Workers.Where(p => !Owns(p)).Select(static p => p.Meta.Name)];

    /// <summary>Where a Job has made a pod anew, the one that it replaces is on its way out.</summary>
    private ImmutableDictionary<int, PodView> WorkersByIndex => field ??= Workers
        .Where(w => WorkerIndex(w) is not null)
        .GroupBy(w => WorkerIndex(w)!.Value)
        .ToImmutableDictionary(static g => g.Key, static g => g.OrderBy(static w => w.Meta.Deleting).ThenByDescending(static w => w.Meta.CreationTimestamp).First());
}
