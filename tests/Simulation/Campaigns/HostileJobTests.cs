using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;

namespace Simulation;

/// <summary>
/// Whatever anyone who may create MPIJobs sends: the server refuses it, or the operator answers it once, and the jobs beside it
/// run as ever. More of them by <c>KUBEMPI_PROPERTY_RUNS</c>.
/// </summary>
public sealed class HostileJobTests
{
    private const int Crowd = 50;

    private static readonly int Runs = int.TryParse(Environment.GetEnvironmentVariable("KUBEMPI_PROPERTY_RUNS"), out var runs) ? runs : 400;

    private static readonly JsonMutation Mutation = new(
        """{"Worker":null}""", """{"spec":{"containers":[{"name":"a"}]}}""", "\"kueue.x-k8s.io/multikueue\"", "\"WaitForWorkersReady\"", "\"Never\"", "\"volcano\"",
        """[{"name":"main","image":"i","resources":{"requests":{"cpu":"-1"}}}]""", """{"minAvailable":-1}""");

    [Fact]
    public async Task Each_spoilt_job_is_answered_once_and_a_good_one_among_them_runs_to_its_end()
    {
        var accepted = 0;
        for (var first = 0; first < Runs; first += Crowd)
        {
            await using var world = new SimulatedCluster(new SimulationOptions(first) { Nodes = 6 });
            var taken = Enumerable.Range(first, Crowd).Select(seed => Submit(world, seed)).OfType<string>().ToList();
            world.Create(MpiJobs.Job("good", 2), MpiJobs.Kind);

            world.RunUntil(() => world.Find(MpiJobs.Kind, "good") is { } job && MpiJobs.Has(job, "Succeeded"), TimeSpan.FromMinutes(5), "the good job's end");
            world.RunFor(TimeSpan.FromMinutes(10));

            Assert.Empty(world.Operator.Log.Errors);
            Assert.All(taken, name => Assert.True(IsAnswered(world.Find(MpiJobs.Kind, name)!), $"{name} got no answer: {world.Find(MpiJobs.Kind, name)}\n{world.Find(MpiJobs.Kind, name)!.Root.GetRawText()}"));

            accepted += taken.Count;

            // What is refused again and again is asked for less and less: once a minute for each job, and nothing else goes on.
            var writes = world.Operator.Writes;
            world.RunFor(TimeSpan.FromMinutes(10));
            Assert.True(world.Operator.Writes - writes <= taken.Count * 2 * 11, $"{world.Operator.Writes - writes} writes at rest:\n{string.Join("\n", world.Operator.WritesSeen.Skip(writes).Take(60))}");
        }

        // Most get past the server's own checks, or this would test nothing.
        Assert.True(accepted > Runs / 4, $"the server took {accepted} of {Runs}");
    }

    /// <returns>The job's name where the server took it.</returns>
    private static string? Submit(SimulatedCluster world, int seed)
    {
        var name = $"m-{seed}";
        var user = new JsonObject
        {
            ["annotations"] = new JsonObject { ["kubempi.dev/gate"] = "true", ["kubempi.dev/on-worker-loss"] = "restart", ["kubempi.dev/ttl-seconds-after-finished"] = "3600" },
            ["spec"] = MpiJobs.Job(name)["spec"]!.DeepClone(),
        };
        try
        {
            var spoilt = JsonNode.Parse(Mutation.Of(user.ToJsonString(), new Random(seed)), documentOptions: new JsonDocumentOptions { MaxDepth = 64 });
            var job = new JsonObject
            {
                ["apiVersion"] = MpiJobs.Kind.ApiVersion,
                ["kind"] = MpiJobs.Kind.Kind,
                ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default", ["annotations"] = spoilt?["annotations"]?.DeepClone() },
                ["spec"] = spoilt?["spec"]?.DeepClone(),
            };
            world.Create(job, MpiJobs.Kind);
            return name;
        }
        catch (Exception refused) when (refused is ApiException { Status.Code: >= 400 and < 500 } or JsonException or InvalidOperationException or ArgumentException)
        {
            // The server said no, or what came out is no object at all.
            return null;
        }
    }

    /// <summary>Accepted, refused with a message, or another manager's.</summary>
    private static bool IsAnswered(KubeObject job)
    {
        if (job.Root.Text("spec", "runPolicy", "managedBy") == "kueue.x-k8s.io/multikueue") return !job.Root.Has("status");
        return MpiJobs.Has(job, "Created") || Conditions.Find(job.Root.At("status"), "Invalid") is { Status: "True", Message.Length: > 0 };
    }
}
