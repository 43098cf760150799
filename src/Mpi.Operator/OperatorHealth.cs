using System.Collections.Immutable;

namespace Mpi.Operator;

/// <summary>The answer of a health endpoint: HTTP 200 when <paramref name="Faults"/> is empty, else 503 with them.</summary>
public sealed record HealthReport(ImmutableArray<string> Faults)
{
    public bool IsHealthy => Faults.IsEmpty;
    public int StatusCode => IsHealthy ? 200 : 503;
    public override string ToString() => IsHealthy ? "ok\n" : string.Concat(Faults.Select(static f => f + "\n"));
}

/// <summary>What <c>/healthz</c> and <c>/readyz</c> answer.</summary>
/// <param name="elector">Null where there is no election.</param>
/// <param name="obstacles">What keeps it from being ready.</param>
/// <param name="leaseDuration">Of the election.</param>
public sealed class OperatorHealth(LeaderElector? elector, Func<IEnumerable<string>> obstacles, TimeSpan leaseDuration)
{
    /// <summary>How long beyond its lease a leader may hang before it is to be restarted (spec/kubeflow-mpijob.md 4.3).</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    /// <summary>Whether the process works at all; a standby does.</summary>
    public HealthReport Live() => elector switch
    {
        { State: LeaderState.Lost } => new HealthReport(["the lease is lost and the process is ending"]),
        { SinceRenewal: { } since } when since > leaseDuration + Grace => new HealthReport([$"the lease was not renewed for {since.TotalSeconds:0} s"]),
        _ => new HealthReport([]),
    };

    /// <summary>Whether it has seen the cluster, so that it could lead, and can convert where it is to.</summary>
    public HealthReport Ready() => new([.. Live().Faults, .. obstacles()]);
}
