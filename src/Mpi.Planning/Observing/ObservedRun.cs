using System.Collections.Immutable;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// Everything that a plan is decided from: the job, what stands under its children's names whoever owns it, its pods, the
/// settings and the time. Built by the controller from its stores; nothing in it changes.
/// </summary>
public sealed record ObservedRun
{
    /// <summary>The job's object; its <c>status</c> is the memory of earlier passes.</summary>
    public required KubeObject Job { get; init; }

    public required IDialect Dialect { get; init; }

    /// <summary>What <see cref="IDialect.Parse"/> made of <see cref="Job"/>; parse once a generation.</summary>
    public required ParseResult Parsed { get; init; }

    /// <summary>The object with the profile's name for each, owned by the job or not; null when there is none.</summary>
    public ServiceView? Service { get; init; }
    public ServiceView? AgentService { get; init; }

    /// <summary>Those of the profile's ConfigMaps that there are, by name, owned by the job or not.</summary>
    public ImmutableDictionary<string, ConfigMapView> ConfigMaps { get; init; } = ImmutableDictionary<string, ConfigMapView>.Empty;

    /// <summary>The Secret of the run's transport (<see cref="RunProfile.Secret"/>), if that has one.</summary>
    public SecretView? Secret { get; init; }

    /// <summary>What the launcher runs as, what that may do, and the binding of both; not looked for where they are not used (<see cref="RunProfile.UsesAccess"/>).</summary>
    public ChildMeta? LauncherAccount { get; init; }

    /// <inheritdoc cref="LauncherAccount"/>
    public RoleView? LauncherRole { get; init; }

    /// <inheritdoc cref="LauncherAccount"/>
    public ChildMeta? LauncherBinding { get; init; }

    public LauncherView? Launcher { get; init; }

    /// <summary>What has the name of the workers' StatefulSet; not looked for where the dialect makes none.</summary>
    public StatefulSetView? WorkerSet { get; init; }

    /// <summary>Pods whose controller is the job or the workers' StatefulSet, and pods that have a worker's name though they belong to someone else. Any order.</summary>
    public ImmutableArray<PodView> Workers { get; init; } = [];

    /// <summary>Pods whose controller is a launcher Job of this job: the present one or one that a restart replaced.</summary>
    public ImmutableArray<PodView> LauncherPods { get; init; } = [];

    /// <summary>
    /// The pod of the present launcher Job that failed last, as it was then: a Job takes a pod whose container was restarted away with the
    /// last failure (<c>restartPolicy: OnFailure</c>), before it says that it has failed. Null when none was seen to fail.
    /// </summary>
    public PodView? LauncherFailure { get; init; }

    /// <summary>The dialect's rival (<see cref="IDialect.Rival"/>) is there.</summary>
    public bool HasRival { get; init; }

    /// <summary>Objects of gang schedulers that have the job's name, whoever owns them.</summary>
    public ImmutableArray<GangObjectView> GangObjects { get; init; } = [];

    /// <summary>Which of <see cref="GangBackend.AllKinds"/> the cluster serves.</summary>
    public ImmutableHashSet<ResourceKind> GangKinds { get; init; } = [];

    /// <summary>What is known of the run's queue (<see cref="GangBackend.QueueOf"/>).</summary>
    public QueueSighting Queue { get; init; }

    /// <summary>The values of the priority classes that <see cref="GangSize.PrioritiesAsked"/> names; one that is missing is 0.</summary>
    public ImmutableDictionary<string, int> Priorities { get; init; } = ImmutableDictionary<string, int>.Empty;

    /// <summary>What the server itself said is absent, after a plan asked (<see cref="Plan.Confirm"/>).</summary>
    public ImmutableHashSet<ObjectToConfirm> ConfirmedAbsent { get; init; } = [];

    /// <summary>What the server itself said is there, after a plan asked: it is observed as it stood then.</summary>
    public ImmutableHashSet<ObjectToConfirm> ConfirmedPresent { get; init; } = [];

    /// <summary>The launcher Job that was made last, by the answer to its creation, while no status records it; it may be gone since.</summary>
    public LauncherView? Launched { get; init; }

    /// <summary>
    /// A write of the last plan that the API refused for a reason that only a person can settle (403 quota, 422), while the
    /// objects are as they were; null when the last plan went through.
    /// </summary>
    public RefusedWrite? Refused { get; init; }

    public required PlanningOptions Options { get; init; }
    public required DateTimeOffset Now { get; init; }
}

/// <param name="What">What was being made, such as <c>worker pod</c> or <c>launcher Job</c>.</param>
/// <param name="Message">The API's words.</param>
public sealed record RefusedWrite(string What, string Message);
