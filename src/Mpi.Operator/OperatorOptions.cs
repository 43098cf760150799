using System.Collections.Immutable;
using Kube.Types;
using Mpi.Planning;

namespace Mpi.Operator;

/// <summary>The operator's settings; defaults are the old operator's where a flag of it stands behind (spec/kubeflow-mpijob.md 4.1).</summary>
public sealed record OperatorOptions
{
    /// <summary>The namespace that is watched; empty for all (<c>--namespace</c>).</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Jobs worked on at the same time (<c>--threadiness</c>). A pass mostly waits for the API, so this costs no threads.</summary>
    public int Threadiness { get; init; } = 16;

    /// <summary>Whether a Lease decides which of several operators writes.</summary>
    public bool LeaderElection { get; init; } = true;

    public LeaseOptions Lease { get; init; } = new();

    /// <summary>Where <c>/metrics</c> is served; 0 is nowhere (<c>--monitoring-port</c>).</summary>
    public int MonitoringPort { get; init; }

    /// <summary>Where <c>/healthz</c> and <c>/readyz</c> are served; 0 is nowhere.</summary>
    public int HealthPort { get; init; } = 8080;

    /// <summary>The longest that one request may take. Shorter than the lease lasts beyond the last write.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most creations or deletions of one job in flight.</summary>
    public int WritesAtOnce { get; init; } = 32;

    /// <summary>The webhook that serves the older versions of MPIJob (<c>--profile=legacy</c>); null serves none (<c>v2beta1</c>).</summary>
    public ConversionOptions? Conversion { get; init; }

    public PlanningOptions Planning { get; init; } = new();

    /// <summary>Every fault of the settings, each under the flag that sets it.</summary>
    public ImmutableArray<FieldError> Validate()
    {
        var faults = ImmutableArray.CreateBuilder<FieldError>();
        if (Threadiness < 1) faults.Add(FieldError.Invalid("--threadiness", Threadiness.ToString(), "must be at least 1"));
        if (WritesAtOnce < 1) faults.Add(FieldError.Invalid("--writes-at-once", WritesAtOnce.ToString(), "must be at least 1"));
        if (MonitoringPort is < 0 or > 65535) faults.Add(FieldError.Invalid("--monitoring-port", MonitoringPort.ToString(), "must be a port, or 0 for none"));
        if (HealthPort is < 0 or > 65535) faults.Add(FieldError.Invalid("--health-port", HealthPort.ToString(), "must be a port, or 0 for none"));
        if (Conversion is { } conversion)
        {
            faults.AddRange(conversion.Validate());
            if (conversion.Port == HealthPort || conversion.Port == MonitoringPort) faults.Add(FieldError.Invalid("--webhook-port", conversion.Port.ToString(), "is taken by health or metrics"));
        }

        if (RequestTimeout <= TimeSpan.Zero) faults.Add(FieldError.Invalid("--request-timeout", RequestTimeout.ToString(), "must be longer than nothing"));
        if (LeaderElection)
        {
            if (Lease.Namespace.Length == 0) faults.Add(FieldError.Required("--lock-namespace", "the Lease needs a namespace"));
            if (Lease.Name.Length == 0) faults.Add(FieldError.Required("--lock-name", "the Lease needs a name"));
            if (Lease.RetryPeriod < TimeSpan.FromSeconds(1)) faults.Add(FieldError.Invalid("--leader-election-retry-period", Lease.RetryPeriod.ToString(), "must be at least 1 s"));
            if (Lease.RenewDeadline <= Lease.RetryPeriod) faults.Add(FieldError.Invalid("--leader-election-renew-deadline", Lease.RenewDeadline.ToString(), "must be longer than the retry period"));
            if (Lease.Duration <= Lease.RenewDeadline + Lease.RetryPeriod)
            {
                faults.Add(FieldError.Invalid("--leader-election-lease-duration", Lease.Duration.ToString(), "must be longer than renew deadline and retry period together"));
            }
        }

        return faults.ToImmutable();
    }
}
