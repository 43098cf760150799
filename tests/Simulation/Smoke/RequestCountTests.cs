using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Simulation;

/// <summary>What a job may cost the API server (design section 3): the terms of docs/requests.md, no more and no fewer.</summary>
public sealed partial class RequestCountTests
{
    /// <summary>The gate has waited long enough for the operator to tell it that all workers run: the term that most runs do without.</summary>
    private static readonly PodScript LateWorkers = PodScript.RunsForever with { StartDelay = TimeSpan.FromSeconds(6) };

    private static readonly string[] Page = File.ReadAllLines(Path.Combine(
        typeof(RequestCountTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static a => a.Key == "Repository").Value!, "docs/requests.md"));

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(16)]
    public async Task A_job_costs_exactly_the_terms_of_the_page_and_no_reads(int workers)
    {
        var run = await SmokeRun.PlayAsync(new SimulationOptions(7) { Worker = LateWorkers }, workers: workers);

        var expected = Terms().Select(term => $"{term.Request}: {(term.Count == "N" ? workers : int.Parse(term.Count, CultureInfo.InvariantCulture))}").Order(StringComparer.Ordinal);
        var actual = run.WritesSeen.Select(Request).GroupBy(static r => r, StringComparer.Ordinal).Select(static g => $"{g.Key}: {g.Count()}").Order(StringComparer.Ordinal);
        var (wanted, counted) = (string.Join('\n', expected), string.Join('\n', actual));
        Assert.True(wanted == counted, $"the page says\n{wanted}\nand the job cost\n{counted}");
        Assert.True(run.Writes <= workers + 12, $"{run.Writes} writes:\n{string.Join("\n", run.WritesSeen)}");
        Assert.Equal(0, run.Gets);
    }

    [Fact]
    public async Task The_agent_costs_one_request_more_than_ssh()
    {
        var ssh = await SmokeRun.PlayAsync(new SimulationOptions(7) { Worker = LateWorkers });
        var agent = await SmokeRun.PlayAsync(new SimulationOptions(7) { Worker = LateWorkers }, overAgent: true);

        Assert.Equal(ssh.WritesSeen.Select(Request).Append("create services").Order(StringComparer.Ordinal), agent.WritesSeen.Select(Request).Order(StringComparer.Ordinal));
        Assert.Equal(0, agent.Gets);
    }

    [Fact]
    public async Task The_host_list_is_written_as_often_for_64_workers_as_for_one()
    {
        var counts = new List<int>();
        foreach (var workers in (int[])[1, 64])
        {
            var run = await SmokeRun.PlayAsync(new SimulationOptions(8) { Nodes = 8, Worker = LateWorkers }, workers: workers);
            counts.Add(run.WritesSeen.Count(static w => w.Contains(" configmaps ", StringComparison.Ordinal)));
        }

        Assert.Equal([1, 1], counts);
    }

    [Fact]
    public async Task Jobs_at_rest_cost_no_request_whatever_they_wait_for()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(9) { Nodes = 2, Launcher = PodScript.RunsForever });
        world.Create(MpiJobs.Job("running", 3), MpiJobs.Kind);
        world.Create(With("suspended", static s => s["runPolicy"]!["suspend"] = true), MpiJobs.Kind);
        world.Create(With("invalid", static s => s["slotsPerWorker"] = -1), MpiJobs.Kind);
        world.Create(With("elsewhere", static s => s["runPolicy"]!["managedBy"] = "kueue.x-k8s.io/multikueue"), MpiJobs.Kind);
        world.Create(With("too-large", static s => s["mpiReplicaSpecs"]!["Worker"]!["template"]!["spec"]!["containers"]![0]!["resources"] = new JsonObject { ["requests"] = new JsonObject { ["cpu"] = "1000" } }), MpiJobs.Kind);
        world.RunUntil(() => world.Find(MpiJobs.Kind, "running") is { } job && MpiJobs.Has(job, "Running"), TimeSpan.FromMinutes(5), "the job runs");
        world.RunFor(TimeSpan.FromMinutes(20));

        var (writes, gets) = (world.Operator.Writes, world.Operator.Gets);
        world.RunFor(TimeSpan.FromHours(2));
        Assert.Equal([], world.Operator.WritesSeen.Skip(writes));
        Assert.Equal(gets, world.Operator.Gets);
    }

    private static JsonObject With(string name, Action<JsonObject> spec)
    {
        var job = MpiJobs.Job(name);
        spec((JsonObject)job["spec"]!);
        return job;
    }

    /// <summary>The rows of the page's first table: <c>| `create pods` | N | ... |</c>.</summary>
    private static IEnumerable<(string Request, string Count)> Terms() =>
        Page.Select(static line => Term().Match(line)).Where(static m => m.Success).Select(static m => (m.Groups["request"].Value, m.Groups["count"].Value));

    /// <summary>Of <c>12:00:01.000 create pods default/pi-worker-0</c> the verb and the resource.</summary>
    private static string Request(string write) => string.Join(' ', write.Split(' ')[1..3]);

    [GeneratedRegex(@"^\| `(?<request>[a-z]+ [a-z/]+)` \| (?<count>N|\d+) \|", RegexOptions.ExplicitCapture)]
    private static partial Regex Term();
}
