using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Kube.Types;

namespace Mpi.Planning.Tests;

/// <summary>
/// Random lives of a job: what happens outside (pods, users, the Job controller, time) mixed with passes of an operator that
/// crashes after any write. Each life is a list of numbers, which FsCheck shortens when something breaks.
/// </summary>
public sealed class ConvergenceTests
{
    /// <summary>More for a long run: <c>KUBEMPI_PROPERTY_RUNS=100000</c>.</summary>
    private static readonly int Lives = int.TryParse(Environment.GetEnvironmentVariable("KUBEMPI_PROPERTY_RUNS"), out var runs) ? runs : 150;

    private static readonly Config Config = Config.QuickThrowOnFailure.WithMaxTest(Lives).WithStartSize(5).WithEndSize(60);

    private static readonly Action<FakeWorld, int>[] Happenings =
    [
        // Passes and progress weigh more than mishaps: a life should get somewhere before the next blow.
        static (w, _) => w.Pass(),
        static (w, _) => w.Pass(),
        static (w, _) => w.Pass(),
        static (w, _) => Recover(w),
        static (w, _) => Recover(w),
        static (w, _) => Recover(w),
        static (w, _) => Recover(w),
        static (w, n) => w.Pass(writes: n % 9),
        static (w, n) => w.Pass(writes: n % 3),
        static (w, _) => w.RunWorkers(),
        static (w, _) => w.RunWorkers(1),
        static (w, _) => w.StartLauncherPod(),
        static (w, _) => w.RunLauncher(),
        static (w, _) => w.FinishDeletions(),
        static (w, n) => AnyWorker(w, n, FakeWorld.Evict),
        static (w, n) => AnyWorker(w, n, p => w.Exit(p, 137, "OOMKilled")),
        static (w, n) => AnyWorker(w, n, p => w.Exit(p, 0)),
        static (w, n) => AnyWorker(w, n, p => w.Remove(Kinds.Pod, FakeWorld.Text(p, "metadata", "name"))),
        static (w, n) => AnyWorker(w, n, p => p["metadata"]!["deletionTimestamp"] = KubeTime.Format(w.Now.AddSeconds(30))),
        static (w, _) => { if (Live(w)) w.FailLauncherPod(1); },
        static (w, _) => { if (Live(w) && w.LauncherPods.Any()) w.CompleteLauncher(); },
        static (w, _) => { if (Live(w)) w.FailLauncher(); },
        static (w, n) => w.Edit(s => s.RunPolicy()["suspend"] = n % 2 == 0),
        static (w, n) => w.Edit(s => s["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 1 + (n % 4)),
        static (w, n) => w.Edit(s => s["slotsPerWorker"] = n % 3 == 0 ? "many" : (JsonNode)(n % 5)),
        static (w, n) => w.Edit(s => s.Container("Launcher")["image"] = $"image:{n % 3}"),
        static (w, n) => w.Edit(s => s.RunPolicy()["ttlSecondsAfterFinished"] = n % 100),
        static (w, _) =>
        {
            w.Remove(Kinds.Job, "pi-launcher");
            foreach (var pod in w.LauncherPods.ToList()) w.Remove(Kinds.Pod, FakeWorld.Text(pod, "metadata", "name"));
        },
        static (w, n) => w.Now += TimeSpan.FromSeconds(n % 600),
        static (w, n) => w.Put(Kinds.Pod, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "pi-worker-9", ["uid"] = $"stranger-{n}" }, ["status"] = new JsonObject { ["phase"] = "Running" } }),
        static (w, n) => w.Refused = n % 2 == 0 ? null : new RefusedWrite("worker pod", "exceeded quota"),
    ];

    [Fact]
    public void Whatever_happens_and_wherever_the_operator_crashes_it_comes_to_rest() =>
        Check.One(Config, Prop.ForAll(LivesOf(), static life =>
        {
            var world = Live(life);
            Rest(world);
            // At rest: no writes, however often it looks.
            Assert.True(world.Pass().IsEmpty);
        }));

    [Fact]
    public void A_result_is_final_and_set_once() =>
        Check.One(Config, Prop.ForAll(LivesOf(), static life =>
        {
            string? result = null;
            var world = Live(life, w =>
            {
                if (w.Status["completionTime"] is null) return;
                var now = $"{Word(w, "Succeeded")} {Word(w, "Failed")} {FakeWorld.Text(w.Condition("Failed") ?? [], "reason")} {w.Status["completionTime"]}";
                result ??= now;
                Assert.Equal(result, now);
            });
            Rest(world);
            Assert.True(world.Counters.Count(static c => c is PlanCounter.JobsSuccessful or PlanCounter.JobsFailed) <= 1);
            Assert.True(world.Events.Count(static e => e.Reason is "MPIJobCreated") <= 1);
        }));

    [Fact]
    public void An_attempt_never_has_two_launchers_that_ran() =>
        Check.One(Config, Prop.ForAll(LivesOf(), static life =>
        {
            var ran = new Dictionary<string, string>();
            Live(life, w =>
            {
                // Not even while one still ends does another run.
                var running = w.LauncherPods.Where(static p => FakeWorld.Text(p, "status", "phase") == "Running").ToList();
                Assert.True(running.DistinctBy(Owner).Count() <= 1, "two launchers run at once");

                // A suspension stops what ran, and the same attempt starts from the beginning.
                if (IsSuspended(w)) ran.Clear();
                if (w.Launcher is not { } job) return;
                var uid = FakeWorld.Text(job, "metadata", "uid");
                var runs = running.Any(p => Owner(p) == uid && p["metadata"]!["deletionTimestamp"] is null);
                // Until its uid is recorded a launcher may vanish unseen; that window is as long as one watch event takes.
                if (!runs || !Recorded(w, uid)) return;
                var attempt = FakeWorld.Text(job, "metadata", "annotations", PlanningNames.Attempt);
                if (!ran.TryAdd(attempt, uid)) Assert.Equal(ran[attempt], uid);
            });
        }));

    [Fact]
    public void Nothing_of_somebody_else_is_ever_touched() =>
        Check.One(Config, Prop.ForAll(LivesOf(), static life =>
        {
            var world = new FakeWorld(Jobs.Pi(2));
            var theirs = world.Put(Kinds.ConfigMap, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "pi-config" }, ["data"] = new JsonObject { ["mine"] = "x" } });
            var before = theirs.ToJsonString();
            Play(world, life, null);
            Rest(world);
            Assert.Equal(before, world.Find(Kinds.ConfigMap, "pi-config")!.ToJsonString());
            Assert.DoesNotContain(world.Workers, static w => w["metadata"]!["ownerReferences"] is not null);
        }));

    [Fact]
    public void An_invalid_spec_never_leads_to_an_action() =>
        Check.One(Config, Prop.ForAll(LivesOf(), static life =>
        {
            var world = Live(life);
            world.Edit(static s => s["slotsPerWorker"] = -1);
            for (var pass = 0; pass < 3; pass++) Assert.Empty(world.Pass().Actions);
        }));

    [Fact]
    public void Suspension_reaches_no_pods_and_nothing_active() =>
        Check.One(Config, Prop.ForAll(LivesOf(), static life =>
        {
            var world = Live(life);
            if (world.Status["completionTime"] is not null) return;
            world.Refused = null;
            world.Edit(static s => { s["slotsPerWorker"] = 1; s.RunPolicy()["suspend"] = true; });
            Rest(world);
            if (world.Status["completionTime"] is not null) return;
            Assert.DoesNotContain(world.Workers, static p => p["metadata"]!["ownerReferences"] is not null);
            Assert.Null(world.Status["replicaStatuses"]?["Worker"]?["active"]);
            Assert.Null(world.Status["replicaStatuses"]?["Launcher"]?["active"]);
        }));

    [Fact]
    public void Deciding_changes_nothing_that_was_observed_and_a_plan_shares_nothing_with_it() =>
        Check.One(Config, Prop.ForAll(LivesOf(), static life => _ = Live(life, static w =>
        {
            var seen = w.Observe();
            var (job, plan) = (seen.Job.ToTree().ToJsonString(), Planner.Decide(seen));
            var first = PlanYaml.Write(plan);
            // Whoever carries it out may do to it what he likes.
            foreach (var action in plan.Actions) (action switch { PlanAction.Create create => create.Manifest, PlanAction.Patch patch => patch.MergePatch, _ => null })?.Clear();
            plan.Status?.Clear();

            Assert.Equal(first, PlanYaml.Write(Planner.Decide(seen)));
            Assert.Equal(job, seen.Job.ToTree().ToJsonString());
        })));

    private static Arbitrary<int[]> LivesOf() => Arb.From(Gen.Choose(0, 1_000_000).ArrayOf(), static life => ArbMap.Default.ArbFor<int[]>().Shrinker(life));

    private static FakeWorld Live(int[] life, Action<FakeWorld>? watch = null)
    {
        // Half of the lives begin with a job that runs: what follows is then not mostly about starting it.
        var world = life.Length % 2 == 0 ? MainPathTests.Started(2) : new FakeWorld(Jobs.Pi(2));
        watch?.Invoke(world);
        Play(world, life, watch);
        return world;
    }

    private static void Play(FakeWorld world, int[] life, Action<FakeWorld>? watch)
    {
        foreach (var number in life)
        {
            var positive = number & int.MaxValue;
            Happenings[positive % Happenings.Length](world, positive / Happenings.Length);
            watch?.Invoke(world);
        }
    }

    /// <summary>Nothing new happens, what was asked for is done, time goes on: then an operator that works ends up with nothing to do.</summary>
    private static void Rest(FakeWorld world)
    {
        world.Refused = null;
        for (var round = 0; round < 40; round++)
        {
            var quiet = true;
            for (var pass = 0; pass < 12; pass++)
            {
                if (world.Pass().IsEmpty) break;
                quiet = false;
                if (pass == 11) Assert.Fail($"no rest within one round; last writes: {string.Join(", ", world.Writes.TakeLast(10))}");
            }

            world.FinishDeletions();
            world.RunWorkers();
            world.RunLauncher();
            world.Now += TimeSpan.FromMinutes(1);
            if (quiet && round > 6) return;
        }

        Assert.Fail($"no rest at all; last writes: {string.Join(", ", world.Writes.TakeLast(10))}");
    }

    private static void AnyWorker(FakeWorld world, int number, Action<JsonObject> change)
    {
        var present = world.Workers.Where(static w => w["metadata"]!["ownerReferences"] is not null).ToList();
        if (present.Count == 0) return;
        var name = FakeWorld.Text(present[number % present.Count], "metadata", "name");
        var pod = world.Find(Kinds.Pod, name)!;
        change(pod);
        if (world.Find(Kinds.Pod, name) is not null) world.Worker(int.Parse(name["pi-worker-".Length..]), static _ => { });
    }

    private static bool Live(FakeWorld world) =>
        world.Launcher is { } job && job["status"]?["conditions"] is null && job["spec"]?["suspend"]?.GetValue<bool>() != true && job["metadata"]!["deletionTimestamp"] is null;

    private static bool IsSuspended(FakeWorld world) => Word(world, "Suspended") == "True" || world.Spec.RunPolicy()["suspend"]?.GetValue<bool>() == true;

    /// <summary>What a cluster does by itself in a while.</summary>
    private static void Recover(FakeWorld world)
    {
        world.FinishDeletions();
        world.Pass();
        world.RunWorkers();
        world.RunLauncher();
        world.Pass();
    }

    private static string Owner(JsonObject pod) => pod["metadata"]!["ownerReferences"]![0]!["uid"]!.ToString();

    private static bool Recorded(FakeWorld world, string uid) => world.Status["attempt"]?["launcherUID"]?.ToString() == uid;

    private static string Word(FakeWorld world, string condition) => FakeWorld.Text(world.Condition(condition) ?? [], "status");
}
