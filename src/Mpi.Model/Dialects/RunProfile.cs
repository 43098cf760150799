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

    /// <summary>All ConfigMaps of a run: the first, and those that its files say they belong to (<see cref="ConfigFile.Map"/>).</summary>
    public ImmutableArray<string> ConfigMaps { get => field.IsDefault ? [ConfigMap] : field; init; }

    public required string SshSecret { get; init; }

    /// <summary>The Service through which workers dial the launcher, and the Secret with what both sides prove themselves with; transport agent only.</summary>
    public required string Agent { get; init; }

    /// <summary>The launcher Job.</summary>
    public required string Launcher { get; init; }

    /// <summary>The launcher pod's host name.</summary>
    public string LauncherHost { get => field ?? Launcher; init; }

    /// <summary>What the launcher runs as, and what lets it reach its workers through the API; named as <see cref="Launcher"/> unless the dialect says otherwise.</summary>
    public LauncherAccess Access { get => field ?? new LauncherAccess(Launcher, Launcher, Launcher); init; }

    /// <summary>A worker pod's name up to its index.</summary>
    public required string WorkerPrefix { get; init; }

    /// <summary>The number in the first worker's name: 1 where the launcher has the first of them.</summary>
    public int FirstWorker { get; init; }

    /// <summary>What a gang scheduler reads of the run.</summary>
    public string GangGroup { get => field ?? Job.Name; init; }

    /// <summary>The StatefulSet whose pods the workers are, where they are some (<see cref="WorkerForm.StatefulSet"/>).</summary>
    public string WorkerSet => WorkerPrefix[..^1];

    /// <summary>Whether host lists name pods and nothing more, as dialects do whose transport needs no DNS.</summary>
    public bool BareHosts { get; init; }

    /// <summary>On every child but the pods, where nothing below says otherwise.</summary>
    public required ImmutableSortedDictionary<string, string> ChildLabels { get; init; }

    /// <summary>On the launcher Job itself.</summary>
    public ImmutableSortedDictionary<string, string> LauncherJobLabels { get => field ?? ChildLabels; init; }

    /// <summary>On the StatefulSet itself.</summary>
    public ImmutableSortedDictionary<string, string> WorkerSetLabels { get => field ?? ChildLabels; init; }

    /// <summary>What the headless Service selects: launcher and workers.</summary>
    public required ImmutableSortedDictionary<string, string> PodSelector { get; init; }

    public required ImmutableSortedDictionary<string, string> LauncherLabels { get; init; }

    /// <summary>What tells the launcher's pod from all others.</summary>
    public ImmutableSortedDictionary<string, string> LauncherSelector { get => field ?? LauncherLabels; init; }

    public required ImmutableSortedDictionary<string, string> WorkerLabels { get; init; }

    /// <summary>The label key that holds a pod's index within the gang; null where the dialect has none.</summary>
    public string? IndexLabel { get; init; }

    /// <summary>Further label keys that hold a worker's own index, counted from 0 whatever the launcher does.</summary>
    public ImmutableArray<string> WorkerIndexLabels { get; init; } = [];

    public string Worker(int index) => WorkerPrefix + (index + FirstWorker).ToString(CultureInfo.InvariantCulture);

    /// <summary>The Secret with the keys of a transport; null where it needs none.</summary>
    public string? Secret(Transport transport) => transport switch
    {
        Transport.Ssh => SshSecret,
        Transport.Agent => Agent,
        _ => null,
    };

    /// <summary>Whether <see cref="Access"/> exists under a transport.</summary>
    public bool UsesAccess(Transport transport) => Access.Always || transport == Transport.Exec;

    /// <summary>The index in a worker pod's name; null for any other name. Labels may be shifted or missing, names are not.</summary>
    public int? WorkerIndex(string podName)
    {
        if (!podName.StartsWith(WorkerPrefix, StringComparison.Ordinal)) return null;
        var digits = podName.AsSpan(WorkerPrefix.Length);
        // "-worker-01" is no worker's name though it would parse.
        if (digits.Length is 0 or > 9 || (digits[0] == '0' && digits.Length > 1) || digits.ContainsAnyExceptInRange('0', '9')) return null;
        return int.Parse(digits, CultureInfo.InvariantCulture) - FirstWorker is >= 0 and var index ? index : null;
    }

    /// <summary>How host lists name a pod.</summary>
    public string Host(string pod, string clusterDomain) => BareHosts ? pod : DnsName(pod, clusterDomain);

    /// <summary>The name under which every pod of the job resolves a pod of the job.</summary>
    public string DnsName(string pod, string clusterDomain) =>
        clusterDomain.Length == 0 ? $"{pod}.{Service}.{Job.Namespace}.svc" : $"{pod}.{Service}.{Job.Namespace}.svc.{clusterDomain}";
}

/// <summary>A ServiceAccount of the job's own, a Role for the names of its workers and for nothing else, and the binding of both.</summary>
/// <param name="Always">Whether they exist under every transport, granting nothing but under exec: manifests and scripts of the dialect name them.</param>
public sealed record LauncherAccess(string Account, string Role, string Binding, bool Always = false);
