using System.Collections.Immutable;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>Names and labels of an MPI object's children (spec/kube-batch-mpi.md 3, 4). Pods are known by their host names, which are the Job's and an index.</summary>
internal static class KubeBatchProfile
{
    public const string JobName = "job-name";
    private const string JobType = "job-type";
    private const string MpiJob = "mpi-job";
    public const string WatchedPods = $"{JobType}={MpiJob}";

    /// <summary>Given by the Job controller, since Kubernetes 1.28; before that workers find the executor by its name.</summary>
    private const string Index = "batch.kubernetes.io/job-completion-index";

    /// <summary>The second of the ConfigMaps, with all but the list of hosts.</summary>
    public static string DataMap(ObjectMeta job) => $"{job.Name}-mpi-data";

    public static RunProfile Of(ObjectMeta job)
    {
        var child = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add(JobName, job.Name);
        var pods = child.Add(JobType, MpiJob);
        return new RunProfile
        {
            JobKind = KubeBatchDialect.Mpi,
            Job = job,
            Service = job.Name,
            ConfigMap = $"{job.Name}-hostfile",
            ConfigMaps = [$"{job.Name}-hostfile", DataMap(job)],
            SshSecret = $"{job.Name}-ssh",
            Agent = $"{job.Name}-agent",
            Launcher = job.Name,
            LauncherHost = $"{job.Name}-0",
            Access = new LauncherAccess($"{job.Name}-sa", $"{job.Name}-role", $"{job.Name}-rolebinding", Always: true),
            WorkerPrefix = $"{job.Name}-",
            FirstWorker = 1,
            BareHosts = true,
            GangGroup = $"{job.Name}-podgroup",
            ChildLabels = child,
            LauncherJobLabels = pods,
            PodSelector = pods,
            LauncherLabels = pods,
            LauncherSelector = pods.Add(Index, "0"),
            WorkerLabels = pods,
        };
    }
}
