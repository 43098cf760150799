using BenchmarkDotNet.Attributes;
using Mpi.Agent.Roles;

namespace Benchmarks.Micro;

/// <summary>The gate's decisions alone, from closed to open: each worker fails three times before it answers.</summary>
public class GateBenchmarks
{
    [Params(16, 1_000, 10_000)]
    public int Workers { get; set; }

    [Benchmark]
    public TimeSpan Open()
    {
        var refused = new ProbeResult.Failed(Mpi.Agent.Protocol.UnreachableCause.Refused, "Connection refused");
        var tries = new Dictionary<string, int>(StringComparer.Ordinal);
        var gate = new GateMachine(Enumerable.Range(0, Workers).Select(static i => $"pi-worker-{i}"), ProbeMethod.Login, new GatePace(), new Random(1));
        var now = TimeSpan.Zero;
        while (true)
        {
            var step = gate.Step(now, allRun: true);
            if (step.Opened is not null) return now;
            foreach (var one in step.Begin)
            {
                tries[one.Host] = tries.GetValueOrDefault(one.Host) + 1;
                gate.Ended(one.Host, tries[one.Host] > 3 ? new ProbeResult.Reached() : refused, now);
            }

            if (step.Begin.IsEmpty) now = step.WakeAt;
        }
    }
}
