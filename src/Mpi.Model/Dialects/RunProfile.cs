using System.Collections.Immutable;
using System.Globalization;
using Kube.Types;

namespace Mpi.Model;

/// <summary>The names and labels of one job's objects, as its dialect promises them.</summary>
public sealed record RunProfile
{
    /// <summary>The job itself: what its children's owner references say.</summary>
    public required ResourceKind JobKind { get; init; }
    public required ObjectMeta Job { get; init; }

    public required string Service { get; init; }
    public required string ConfigMap { get; init; }
    public required string SshSecret { get; init; }

    /// <summary>The Service through which workers dial the launcher, and the Secret with what both sides prove themselves with; transport agent only.</summary>
    public required string Agent { get; init; }

    /// <summary>The launcher Job; under transport exec also the ServiceAccount that it runs as, its Role and their binding.</summary>
    public required string Launcher { get; init; }

    /// <summary>A worker pod's name up to its index.</summary>
    public required string WorkerPrefix { get; init; }

    /// <summary>On every child but the pods.</summary>
    public required ImmutableSortedDictionary<string, string> ChildLabels { get; init; }

    /// <summary>What the headless Service selects: launcher and workers.</summary>
    public required ImmutableSortedDictionary<string, string> PodSelector { get; init; }

    public required ImmutableSortedDictionary<string, string> LauncherLabels { get; init; }
    public required ImmutableSortedDictionary<string, string> WorkerLabels { get; init; }

    /// <summary>The label key that holds a pod's index within the gang.</summary>
    public required string IndexLabel { get; init; }

    public string Worker(int index) => WorkerPrefix + index.ToString(CultureInfo.InvariantCulture);

    /// <summary>The Secret with the keys of a transport; null where it needs none.</summary>
    public string? Secret(Transport transport) => transport switch
    {
        Transport.Ssh => SshSecret,
        Transport.Agent => Agent,
        _ => null,
    };

    /// <summary>The index in a worker pod's name; null for any other name. Labels may be shifted or missing, names are not.</summary>
    public int? WorkerIndex(string podName)
    {
        if (!podName.StartsWith(WorkerPrefix, StringComparison.Ordinal)) return null;
        var digits = podName.AsSpan(WorkerPrefix.Length);
        // "-worker-01" is no worker's name though it would parse.
        if (digits.Length is 0 or > 9 || (digits[0] == '0' && digits.Length > 1) || digits.ContainsAnyExceptInRange('0', '9')) return null;
        return int.Parse(digits, CultureInfo.InvariantCulture);
    }

    /// <summary>The name under which every pod of the job resolves a pod of the job.</summary>
    public string Host(string pod, string clusterDomain) =>
        clusterDomain.Length == 0 ? $"{pod}.{Service}.{Job.Namespace}.svc" : $"{pod}.{Service}.{Job.Namespace}.svc.{clusterDomain}";
}
