using System.Text.Json.Nodes;
using Kube.Types;

namespace Simulation;

/// <summary>The smoke simulation's one story: a job of two workers from its creation until nothing is left to do.</summary>
internal static class SmokeRun
{
    public const string Job = "pi";

    /// <summary>What a run came to.</summary>
    /// <param name="State">Equal for equal outcomes.</param>
    public sealed record Result(string State, int Writes, IReadOnlyList<string> WritesSeen, int Gets, string TraceHash, IReadOnlyDictionary<string, int> Events, int Crashes);

    /// <summary>
    /// Longer than two lists of a reflector are apart: by then even an event that was lost without a trace is made good.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(130);

    /// <summary>How long a world is watched for writes after it came to rest.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(8);

    /// <param name="rest">Longer than usual: past the next list of every cache.</param>
    public static async Task<Result> PlayAsync(SimulationOptions options, TimeSpan? rest = null, int workers = 2, bool overAgent = false, Action<JsonObject>? spec = null)
    {
        await using var world = new SimulatedCluster(options);
        var job = MpiJobs.Job(Job, workers);
        spec?.Invoke((JsonObject)job["spec"]!);
        world.Create(overAgent ? MpiJobs.OverAgent(job) : job, MpiJobs.Kind);
        // Asked after each step; only a change can have changed the answer.
        var (asked, isOver) = (-1L, false);
        world.RunUntil(
            () =>
            {
                if (asked != world.Observer.Changes) (asked, isOver) = (world.Observer.Changes, IsOver(world));
                return isOver && world.Operator.Process is not null;
            },
            Patience,
            "the job's end, with its workers cleaned up");

        // At rest means at rest: no write in what follows.
        world.RunFor(TimeSpan.FromMinutes(2));
        var writes = world.Operator.Writes;
        var changes = world.Observer.Changes;
        var state = world.State;
        world.RunFor(rest ?? Rest);
        if (world.Operator.Writes != writes || world.Observer.Changes != changes)
        {
            Assert.Fail($"seed {options.Seed}, {options.Faults.Name}: not at rest:\n{string.Join("\n", world.Operator.WritesSeen.Skip(writes))}");
        }

        return new Result(
            state, writes, [.. world.Operator.WritesSeen], world.Operator.Gets, world.Observer.TraceHash,
            SimulatedCluster.Watched.ToDictionary(static k => k.Plural, k => world.Operator.Events(k.Plural)), world.Operator.Crashes);
    }

    private static bool IsOver(SimulatedCluster world) =>
        world.Find(MpiJobs.Kind, Job) is { } job && MpiJobs.Has(job, "Succeeded")
        && !world.Observer.Pods("default", Job, "worker").Any();
}
