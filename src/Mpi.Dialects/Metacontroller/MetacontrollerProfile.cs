using System.Collections.Immutable;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>Names and labels that scripts and Makefiles rely on (spec 3, 4).</summary>
internal static class MetacontrollerProfile
{
    private const string Prefix = "mpioperator-";
    private const string Group = "group_name";
    private const string Job = "mpi_job_name";
    private const string Role = "mpi_role_type";

    /// <summary>By which workers keep their distance from each other in daemon mode.</summary>
    public const string WorkersOf = "mpi_job_role";

    /// <summary>Longer, and the StatefulSet's name has no room for the hash that Kubernetes appends to it in a label.</summary>
    public const int LongestName = 33;

    /// <summary>What every child's name begins with.</summary>
    public static string Base(string job) => Prefix + job;

    public static string WorkerSet(string job) => $"{Base(job)}-worker";

    public static string WatchedPods => $"{Group}={MetacontrollerDialect.MpiJob.Group},{Job}";

    public static string? JobOf(IReadOnlyDictionary<string, string> podLabels) =>
        podLabels.TryGetValue(Job, out var name) && name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : null;

    public static RunProfile Of(ObjectMeta job)
    {
        var name = Base(job.Name);
        var pods = Labels((Group, MetacontrollerDialect.MpiJob.Group), (Job, name));
        return new RunProfile
        {
            JobKind = MetacontrollerDialect.MpiJob,
            Job = job,
            // The StatefulSet always named it, and nobody made it.
            Service = $"{name}-worker",
            ConfigMap = $"{name}-config",
            SshSecret = $"{name}-ssh",
            Agent = $"{name}-agent",
            Launcher = $"{name}-launcher",
            WorkerPrefix = $"{name}-worker-",
            BareHosts = true,
            ChildLabels = pods.Add("app", name),
            // A left-over of the system that it was derived from, as old as its label on Jobs.
            LauncherJobLabels = Labels((Group, "kubeflow.org"), (Job, name), (Role, "launcher")),
            WorkerSetLabels = pods.Add(Role, "worker").Add(WorkersOf, $"{name}-worker"),
            PodSelector = pods,
            LauncherLabels = pods.Add(Role, "launcher").Add("job-name", $"{name}-launcher"),
            WorkerLabels = pods.Add(Role, "worker").Add(WorkersOf, $"{name}-worker"),
            Access = new LauncherAccess($"{name}-launcher", $"{name}-launcher", $"{name}-launcher", Always: true),
        };
    }

    private static ImmutableSortedDictionary<string, string> Labels(params ReadOnlySpan<(string Key, string Value)> pairs)
    {
        var labels = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in pairs) labels[key] = value;
        return labels.ToImmutable();
    }
}
