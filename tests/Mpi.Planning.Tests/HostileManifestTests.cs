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

    [Fact]
    public void No_object_makes_the_planner_throw_or_repeat_itself_for_ever()
    {
        for (var seed = 0; seed < Runs; seed++)
        {
            var random = new Random(seed);
            var world = new FakeWorld(Jobs.Pi(3));
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
