using System.Collections.Immutable;
using Kube.Types;
using Mpi.Planning;
using PodView = Mpi.Planning.PodView;

namespace Mpi.Operator;

/// <summary>What the watches show of the jobs and of the children that are watched. Reading never waits.</summary>
public interface IWorldView
{
    KubeObject? Job(ObjectKey key);

    /// <summary>Children that some job controls, by name; those of others are not kept.</summary>
    ServiceView? Service(ObjectKey key);

    /// <inheritdoc cref="Service"/>
    LauncherView? Launcher(ObjectKey key);

    /// <inheritdoc cref="Service"/>
    StatefulSetView? WorkerSet(ObjectKey key);

    /// <summary>The pods that carry the labels of the job's name, whoever owns them.</summary>
    IReadOnlyList<PodView> Pods(ObjectKey job);

    /// <summary>The pod of a launcher Job that failed last, as it was then, though it may be gone; by the Job's UID, and forgotten with the Job.</summary>
    PodView? FailedPod(string launcherUid);

    /// <summary>What gang schedulers read of a job, by the name of its group.</summary>
    IEnumerable<GangObjectView> GangObjects(ObjectKey group);

    /// <summary>Which of the gang schedulers' kinds the cluster serves.</summary>
    ImmutableHashSet<ResourceKind> GangKinds { get; }

    /// <summary>Whether a kind is watched at all.</summary>
    bool Watches(ResourceKind kind);

    /// <summary>The resourceVersion up to which a kind's changes were taken in; null before the first list.</summary>
    string? SeenUpTo(ResourceKind kind);

    /// <summary>Says that the view of a kind was found wrong although time has passed, or of all for null: it is to be read anew.</summary>
    void Distrust(ResourceKind? kind);
}
