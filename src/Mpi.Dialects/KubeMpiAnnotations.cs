namespace Mpi.Dialects;

/// <summary>What users may ask of KubeMPI beyond their dialect, as annotations of the job.</summary>
public static class KubeMpiAnnotations
{
    /// <summary>How the launcher reaches the workers: <c>ssh</c>, <c>agent</c> or <c>exec</c>.</summary>
    public const string Transport = "kubempi.dev/transport";

    /// <summary><c>false</c> lets the launcher's command start before the workers are proven.</summary>
    public const string Gate = "kubempi.dev/gate";

    /// <summary>Seconds after its end at which the job is deleted, with all its objects: a whole number, 0 or more.</summary>
    public const string JobTtl = "kubempi.dev/ttl-seconds-after-finished";

    /// <summary>The job's own gang scheduler: <c>none</c>, <c>volcano</c>, <c>kube-batch</c>, <c>kubernetes</c>, or the scheduler name of scheduler-plugins.</summary>
    public const string GangScheduler = "kubempi.dev/gang-scheduler";

    /// <summary>Which workers go when the job is over, where the dialect has no field for it: <c>None</c>, <c>Running</c> or <c>All</c>.</summary>
    public const string CleanPodPolicy = "kubempi.dev/clean-pod-policy";

    /// <summary>Seconds that all other workers run before those that cannot be scheduled are left out, in the daemon mode of <c>skatelescope.org/v1</c>.</summary>
    public const string LeaveOutAfter = "kubempi.dev/leave-out-after-seconds";

    /// <summary>The container that runs the command, by its name, where it is not the first of kube-batch's <c>MPI</c>.</summary>
    public const string Container = "kubempi.dev/container";

    /// <summary><c>false</c>: the launcher asks for no resources, where it has the workers' template.</summary>
    public const string LauncherResources = "kubempi.dev/launcher-resources";

    /// <summary><c>restart</c> starts the whole gang anew when a worker is lost, <c>replace</c> only replaces that worker.</summary>
    public const string OnWorkerLoss = "kubempi.dev/on-worker-loss";

    /// <summary>On a stored job: the version of kubeflow's API that it was written in, whose promises it keeps (<c>v1</c>, <c>v1alpha2</c>, <c>v1alpha1</c>).</summary>
    public const string Origin = "kubempi.dev/origin";

    /// <summary>What conversions could not keep of a job, because it was too much for an annotation.</summary>
    public const string Lost = "kubempi.dev/lost";

    internal const string KeptPrefix = "kubempi.dev/kept-";

    /// <summary>What a version of the job says that the version at hand cannot (<see cref="KubeflowConversion"/>).</summary>
    internal static string Kept(string version) => KeptPrefix + version;
}
