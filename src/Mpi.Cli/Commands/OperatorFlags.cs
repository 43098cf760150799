using System.Collections.Immutable;
using Mpi.Operator;
using Mpi.Planning;

namespace Mpi.Cli;

/// <summary>
/// The operator's command line: every flag that a release of kubeflow/mpi-operator had (spec/kubeflow-mpijob.md 4.1), so
/// that old Deployments start as they are, and ours.
/// </summary>
/// <param name="Master">The API server's URL, overriding the kubeconfig's; empty for none.</param>
/// <param name="Kubeconfig">Path; empty for the environment's or the cluster's own.</param>
/// <param name="Force">Start even where something speaks against it.</param>
/// <param name="Notes">What an accepted flag no longer does.</param>
/// <param name="Errors">Every fault.</param>
public sealed record OperatorFlags(
    OperatorOptions Options, string Master, string Kubeconfig, bool Version, bool Force, ImmutableArray<string> Notes, ImmutableArray<string> Errors)
{
    /// <summary>Of glog and klog, the loggers of old operators.</summary>
    private static readonly ImmutableArray<string> LogSwitches =
        ["alsologtostderr", "logtostderr", "legacy_stderr_threshold_behavior", "one_output", "skip_headers", "skip_log_headers", "add_dir_header"];

    private static readonly ImmutableArray<string> LogValues =
        ["v", "vmodule", "stderrthreshold", "alsologtostderrthreshold", "log_file", "log_dir", "log_file_max_size", "log_backtrace_at"];

    private static readonly HashSet<string> Booleans = ["version", "enable-gang-scheduling", "leader-elect", "release-finished-workers", "force", .. LogSwitches];

    private static readonly HashSet<string> Valued =
    [
        .. LogValues,
        "master", "kubeConfig", "kubeconfig", "namespace", "threadiness", "monitoring-port", "health-port", "gang-scheduling", "lock-namespace", "kube-api-qps", "kube-api-burst",
        "controller-queue-rate-limit", "controller-queue-burst", "cluster-domain",
        "kubectl-delivery-image", "gpus-per-node", "processing-units-per-node", "processing-resource-type",
        "compat", "agent-image", "agent-image-pull-policy", "gate-timeout", "launcher-restart-policy", "on-launcher-deleted", "missing-gang-scheduler",
        "profile", "webhook-port", "webhook-url",
    ];

    /// <summary>Flags that shaped what is now done otherwise; named to the user, once, when given.</summary>
    private static readonly ImmutableArray<(string Flag, string Why)> Superseded =
    [
        ("kube-api-qps", "requests are bounded in flight and slow down when the API server says so"),
        ("kube-api-burst", "requests are bounded in flight and slow down when the API server says so"),
        ("controller-queue-rate-limit", "events are coalesced and only failures back off"),
        ("controller-queue-burst", "events are coalesced and only failures back off"),
        ("kubectl-delivery-image", "no kubectl is delivered into pods"),
    ];

    /// <summary>The only gang scheduler there was when it was switched on and not named (spec/kubeflow-mpijob.md 4.1).</summary>
    private const string OldGangScheduler = "kube-batch";

    public static OperatorFlags Parse(ReadOnlySpan<string> arguments, Func<string, string?> environment)
    {
        var flags = GoFlags.Parse(arguments, Booleans, Valued);
        var errors = new List<string>();
        var defaults = new OperatorOptions();
        var gate = defaults.Planning.Gate;

        if (flags.Text("gate-timeout", "") is { Length: > 0 } text)
        {
            if (GoDuration.TryParse(text, out var timeout) && timeout > TimeSpan.Zero) gate = gate with { Timeout = timeout };
            else errors.Add($"flag -gate-timeout: \"{text}\" is no duration such as 10m");
        }

        var compat = flags.Text("compat", "");
        if (compat is not ("" or "strict")) errors.Add($"flag -compat: \"{compat}\" is not supported; supported: strict");
        var restart = flags.Text("launcher-restart-policy", "");
        if (restart is not ("" or "Never" or "OnFailure")) errors.Add($"flag -launcher-restart-policy: \"{restart}\" is not supported; supported: Never, OnFailure");
        var deleted = flags.Text("on-launcher-deleted", "");
        if (deleted is not ("" or "fail" or "retry")) errors.Add($"flag -on-launcher-deleted: \"{deleted}\" is not supported; supported: fail, retry");
        var gangless = flags.Text("missing-gang-scheduler", "");
        if (gangless is not ("" or "wait" or "ignore")) errors.Add($"flag -missing-gang-scheduler: \"{gangless}\" is not supported; supported: wait, ignore");

        var lockNamespace = flags.Text("lock-namespace", defaults.Lease.Namespace);
        var conversion = ReadConversion(flags, lockNamespace, errors, out var unused);
        var options = defaults with
        {
            Namespace = flags.Text("namespace", environment("KUBEFLOW_NAMESPACE") ?? ""),
            Threadiness = flags.Integer("threadiness", defaults.Threadiness, minimum: 1),
            MonitoringPort = flags.Integer("monitoring-port", defaults.MonitoringPort, minimum: 0),
            HealthPort = flags.Integer("health-port", defaults.HealthPort, minimum: 0),
            LeaderElection = flags.Flag("leader-elect", otherwise: true),
            Lease = defaults.Lease with { Namespace = lockNamespace },
            Conversion = conversion,
            Planning = defaults.Planning with
            {
                ClusterDomain = flags.Text("cluster-domain", ""),
                Strict = compat == "strict",
                GangScheduler = flags.Text("gang-scheduling", flags.Flag("enable-gang-scheduling") ? OldGangScheduler : ""),
                FallBackFromMissingGang = gangless == "ignore",
                ReleaseFinishedWorkers = flags.Flag("release-finished-workers"),
                OnLauncherDeleted = deleted == "retry" ? LauncherLossPolicy.Retry : LauncherLossPolicy.Fail,
                LauncherRestartPolicy = restart.Length > 0 ? restart : null,
                Gate = gate with
                {
                    AgentImage = flags.Text("agent-image", gate.AgentImage),
                    PullPolicy = flags.Text("agent-image-pull-policy", "") is { Length: > 0 } policy ? policy : null,
                },
            },
        };

        return new OperatorFlags(
            options,
            flags.Text("master", ""),
            environment("KUBECONFIG") is { Length: > 0 } fromEnvironment ? fromEnvironment : flags.Text("kubeConfig", flags.Text("kubeconfig", "")),
            flags.Flag("version"),
            flags.Flag("force"),
            [.. NotesOn(flags), .. unused],
            [.. flags.Errors, .. errors, .. options.Validate().Select(static e => e.ToString())]);
    }

    /// <summary>The webhook of profile <c>legacy</c>; null in the other.</summary>
    /// <param name="unused">Flags that only a webhook has a use for.</param>
    private static ConversionOptions? ReadConversion(GoFlags flags, string ns, List<string> errors, out ImmutableArray<string> unused)
    {
        unused = [];
        var settings = ConversionConfigMap.Flags.Where(f => flags.Text(f, "").Length > 0).ToImmutableDictionary(static f => f, f => flags.Text(f, ""), StringComparer.Ordinal);
        switch (flags.Text("profile", "v2beta1"))
        {
            case "v2beta1":
                unused = [.. settings.Keys.Concat(new[] { "webhook-port", "webhook-url" }.Where(f => flags.Text(f, "").Length > 0)).Order(StringComparer.Ordinal).Select(static f => $"flag -{f} has no effect: it is for --profile=legacy")];
                return null;
            case "legacy":
                ConversionConfigMap.Over(Mpi.Dialects.ConversionSettings.Default, settings, out var faults);
                errors.AddRange(faults);
                var options = new ConversionOptions { Namespace = ns, Flags = settings };
                if (flags.Text("webhook-url", "") is { Length: > 0 } text)
                {
                    if (Uri.TryCreate(text, UriKind.Absolute, out var url)) options = options with { Url = url };
                    else errors.Add($"flag -webhook-url: \"{text}\" is no URL such as https://HOST:8443{ConversionOptions.Path}");
                }

                return options with { Port = flags.Integer("webhook-port", options.Port, minimum: 1) };
            case var other:
                errors.Add($"flag -profile: \"{other}\" is not supported; supported: v2beta1, legacy");
                return null;
        }
    }

    private static IEnumerable<string> NotesOn(GoFlags flags)
    {
        foreach (var (flag, why) in Superseded.Where(s => flags.IsGiven(s.Flag))) yield return $"flag -{flag} has no effect: {why}";
        if (flags.IsGiven("enable-gang-scheduling") && !flags.IsGiven("gang-scheduling") && flags.Flag("enable-gang-scheduling")) yield return $"flag -enable-gang-scheduling is taken for -gang-scheduling={OldGangScheduler}";
        var logging = LogSwitches.Concat(LogValues).Where(flags.IsGiven).ToList();
        if (logging.Count > 0) yield return $"{Named(logging)}: accepted without effect; the log goes to standard error";

        static string Named(List<string> names) => $"flag{(names.Count == 1 ? "" : "s")} -{string.Join(", -", names)}";
    }
}
