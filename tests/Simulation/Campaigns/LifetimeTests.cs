using System.Globalization;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;
using Microsoft.Extensions.Logging;
using Mpi.Operator;

namespace Simulation;

/// <summary>
/// One operator that lives long: jobs are created, run and deleted, thousands after one another. What it holds in memory at rest is then what
/// it held after half of them: no key in its queue, no series in its metrics and no object in any field stays behind.
/// </summary>
public sealed class LifetimeTests(ITestOutputHelper output)
{
    /// <summary>More for a longer life: <c>KUBEMPI_JOB_LIFETIMES=10000</c>.</summary>
    private static readonly int Lifetimes = int.TryParse(Environment.GetEnvironmentVariable("KUBEMPI_JOB_LIFETIMES"), NumberStyles.None, CultureInfo.InvariantCulture, out var many) ? many : 1_000;

    private const int AtOnce = 20;

    [Fact]
    public async Task What_the_operator_holds_does_not_grow_with_the_jobs_that_came_and_went()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(29)
        {
            Nodes = 2,
            LauncherOf = static name => PodScript.RunsFor(TimeSpan.FromSeconds(2)) with { StartDelay = TimeSpan.FromSeconds(1), Runs = [new ContainerRun(TimeSpan.FromSeconds(2), name.EndsWith('7') ? 1 : 0)] },
        });
        var process = world.Operator.Process;
        var half = Live(world, 0, Lifetimes / 2);
        var whole = Live(world, Lifetimes / 2, Lifetimes);
        Assert.Same(process, world.Operator.Process);

        output.WriteLine($"{Lifetimes} jobs, {world.Stepper.Steps} steps, {world.Operator.Writes} writes; held after half of them and after all: {half}, {whole}");
        Assert.Equal((0, 0), (half.Keys, whole.Keys));
        Assert.Equal(half.Series, whole.Series);
        Assert.True(whole.Objects < half.Objects + (Lifetimes / 20), $"{half} became {whole}: {string.Join(", ", whole.Grown(half))}");
    }

    /// <summary>What an operator holds at rest.</summary>
    private sealed record Held(int Keys, int Series, IReadOnlyDictionary<Type, int> ByType)
    {
        public int Objects => ByType.Values.Sum();

        public IEnumerable<string> Grown(Held before) => ByType
            .Select(type => (type.Key, More: type.Value - before.ByType.GetValueOrDefault(type.Key)))
            .Where(static type => type.More > 0).OrderByDescending(static type => type.More).Take(20).Select(static type => $"{type.More} {type.Key.Name}");

        public override string ToString() => $"{Keys} keys, {Series} series, {Objects} objects";
    }

    private static Held Live(SimulatedCluster world, int from, int to)
    {
        for (var first = from; first < to; first += AtOnce)
        {
            var names = Enumerable.Range(first, Math.Min(AtOnce, to - first)).Select(static i => $"job-{i}").ToList();
            foreach (var name in names) world.Create(MpiJobs.Job(name, 1), MpiJobs.Kind);
            Await(world, () => names.All(name => world.Find(MpiJobs.Kind, name) is { } job && (MpiJobs.Has(job, "Succeeded") || MpiJobs.Has(job, "Failed") || name.EndsWith('7') && MpiJobs.Has(job, "Running"))), "every job is over");
            foreach (var name in names) SimulatedCluster.Now(world.Admin.DeleteAsync(MpiJobs.Kind, "default", name, new DeleteOptions(Propagation: "Background"), CancellationToken.None));
            Await(world, () => !world.Observer.Objects.Any(static o => o.Kind is "MPIJob" or "Pod" or "Job"), "every job is gone");
        }

        // Past what waits for a while: failed work, counters told late.
        world.RunFor(TimeSpan.FromMinutes(10));
        var process = world.Operator.Process!;
        return new Held(process.Workers.OfType<IKeyedLoop>().Sum(static w => w.KeyCount), process.Metrics.Read().Count(), HeldObjects.Count(process, IsOutside));
    }

    /// <summary>The rest of the world, and what is bounded by its own capacity: the news that were told last.</summary>
    private static bool IsOutside(object held) =>
        held is HttpMessageHandler or HttpClient or Stream or TimeProvider or ILogger or ILoggerFactory or IKubeClient and not FencedClient || held.GetType().Name.StartsWith("RecentlyUsed", StringComparison.Ordinal);

    private static void Await(SimulatedCluster world, Func<bool> isSo, string what)
    {
        // Asked after each step; only a change can have changed the answer.
        var (asked, so) = (-1L, false);
        world.RunUntil(
            () =>
            {
                if (asked != world.Observer.Changes) (asked, so) = (world.Observer.Changes, isSo());
                return so;
            },
            TimeSpan.FromMinutes(30),
            what);
    }
}
