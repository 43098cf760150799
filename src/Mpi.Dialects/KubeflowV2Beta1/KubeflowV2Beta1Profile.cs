using System.Collections.Immutable;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>Names and labels that scripts, Kueue and the Python SDK rely on (spec 2, 2.4).</summary>
internal static class KubeflowV2Beta1Profile
{
    private const string OperatorName = "training.kubeflow.org/operator-name";
    private const string OperatorNameValue = "mpi-operator";
    internal const string JobName = "training.kubeflow.org/job-name";
    internal const string JobRole = "training.kubeflow.org/job-role";
    private const string ReplicaIndex = "training.kubeflow.org/replica-index";

    internal const string WatchedPods = $"{OperatorName}={OperatorNameValue}";

    public static RunProfile Of(ObjectMeta job)
    {
        var selector = Labels((OperatorName, OperatorNameValue), (JobName, job.Name));
        return new RunProfile
        {
            JobKind = KubeflowV2Beta1Dialect.MpiJob,
            Job = job,
            Service = job.Name,
            ConfigMap = $"{job.Name}-config",
            SshSecret = $"{job.Name}-ssh",
            Agent = $"{job.Name}-agent",
            Launcher = $"{job.Name}-launcher",
            WorkerPrefix = $"{job.Name}-worker-",
            ChildLabels = Labels(("app", job.Name)),
            PodSelector = selector,
            LauncherLabels = selector.Add(JobRole, "launcher"),
            WorkerLabels = selector.Add(JobRole, "worker"),
            IndexLabel = ReplicaIndex,
        };
    }

    private static ImmutableSortedDictionary<string, string> Labels(params ReadOnlySpan<(string Key, string Value)> pairs)
    {
        var labels = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in pairs) labels[key] = value;
        return labels.ToImmutable();
    }
}
