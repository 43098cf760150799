using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning.Tests;

/// <summary>An operator that any user who may create MPIJobs can crash is a failed operator: spoilt specs and statuses are planned, never thrown at.</summary>
public sealed class HostileManifestTests
{
    private static readonly int Runs = int.TryParse(Environment.GetEnvironmentVariable("KUBEMPI_PROPERTY_RUNS"), out var runs) ? runs : 1000;

    private static readonly string[] Values =
    [
        "null", "true", "-1", "0", "7", "2147483647", "9223372036854775807", "1.5", "\"\"", "\"x\"", "\"True\"", "\"2026-03-01T12:00:00Z\"", "[]", "[null]", "[{}]", "{}", "{\"a\":null}", "[\"x\",3]",
    ];

    /// <summary>The old operator fell over such specs only while it computed a gang (spec 2.8).</summary>
    [Theory]
    [InlineData("", false)]
    [InlineData("volcano", false)]
    [InlineData("volcano", true)]
    [InlineData("my-scheduler", false)]
    [InlineData("my-scheduler", true)]
    [InlineData("kubernetes", false)]
    public void No_object_makes_the_planner_throw_or_repeat_itself_for_ever(string gangScheduler, bool strict)
    {
        for (var seed = 0; seed < (gangScheduler.Length == 0 ? Runs : Runs / 8); seed++)
        {
            var random = new Random(seed);
            var world = World(gangScheduler, Jobs.Pi(3, gangScheduler.Length == 0 ? null : Gang), strict);
            try
            {
                if (random.Next(2) == 0) world.Settle();
                if (random.Next(2) == 0) world.RunWorkers();
                if (random.Next(2) == 0) world.RunLauncher();
                for (var change = random.Next(1, 4); change > 0; change--) Spoil(random.Next(3) switch { 0 => world.Status, _ => world.Spec }, random);
                for (var pass = 0; pass < 6; pass++)
                {
                    // A count of billions is refused by the parser; anything else must be planned in bounded time.
                    var plan = world.Pass();
                    Assert.True(plan.Actions.Length < 100);
                }

                Assert.True(world.Pass() is { IsEmpty: true } or { Actions.IsEmpty: false }, "a status is written again and again");
            }
            catch (Exception broken)
            {
                Assert.Fail($"seed {seed}: {broken}\n{Encoding.UTF8.GetString(world.Job.ToUtf8())}");
            }
        }
    }

    /// <summary>The two manifests that ended the old operator, and with it every job of the cluster (spec 2.8).</summary>
    [Theory]
    [InlineData("volcano")]
    [InlineData("my-scheduler")]
    public void What_ended_the_old_operator_under_gang_scheduling_is_refused_or_left_out_of_account(string gangScheduler)
    {
        var alone = World(gangScheduler, Jobs.Pi(0, static s => s.RunPolicy()["schedulingPolicy"] = new JsonObject { ["minAvailable"] = -2 }));
        alone.Settle();
        Assert.Equal("GangImpossible", FakeWorld.Text(alone.Condition("Blocked")!, "reason"));
        Assert.StartsWith("spec.runPolicy.schedulingPolicy.minAvailable is -2; ", FakeWorld.Text(alone.Condition("Blocked")!, "message"), StringComparison.Ordinal);
        Assert.Null(alone.Launcher);

        var third = World(gangScheduler, Jobs.Pi(2, static s => s["mpiReplicaSpecs"]!["Chief"] = new JsonObject { ["template"] = s["mpiReplicaSpecs"]!["Worker"]!["template"]!.DeepClone() }));
        third.Settle();
        Assert.Equal("3", third.Find(GangBackend.Named(gangScheduler)!.Kinds[0], "pi")!["spec"]!["minMember"]!.ToString());
        Assert.NotNull(third.Launcher);
    }

    private static FakeWorld World(string gangScheduler, JsonObject job, bool strict = false) => new(job)
    {
        Options = new PlanningOptions { GangScheduler = gangScheduler, Strict = strict },
        GangKinds = GangBackend.Named(gangScheduler) is { } backend ? [.. backend.Kinds] : [],
    };

    /// <summary>Something of everything that a gang is computed from.</summary>
    private static void Gang(JsonObject spec)
    {
        spec.RunPolicy()["schedulingPolicy"] = new JsonObject { ["minAvailable"] = 2, ["queue"] = "night", ["priorityClass"] = "high", ["scheduleTimeoutSeconds"] = 60 };
        spec.PodSpec("Launcher")["priorityClassName"] = "low";
        spec.Container("Worker")["resources"] = new JsonObject { ["requests"] = new JsonObject { ["cpu"] = "1" }, ["limits"] = new JsonObject { ["memory"] = "1Gi" } };
    }

    private static void Spoil(JsonObject tree, Random random)
    {
        var maps = new List<JsonObject>();
        Collect(tree, maps);
        var map = maps[random.Next(maps.Count)];
        if (map.Count == 0) return;
        var key = map.ElementAt(random.Next(map.Count)).Key;
        if (random.Next(4) == 0) map.Remove(key);
        else map[key] = JsonNode.Parse(Values[random.Next(Values.Length)]);
    }

    private static void Collect(JsonNode? node, List<JsonObject> maps)
    {
        switch (node)
        {
            case JsonObject map:
                maps.Add(map);
                foreach (var (_, member) in map) Collect(member, maps);
                break;
            case JsonArray list:
                foreach (var item in list) Collect(item, maps);
                break;
        }
    }
}
