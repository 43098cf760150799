using System.Diagnostics;
using Kube.Types;

namespace Simulation;

/// <summary>
/// The same seed gives the same run in every process: nothing may hang on the order of a hash table, which .NET draws anew for each. So a failure
/// that one machine saw replays on every other.
/// </summary>
public sealed class DeterminismTests
{
    /// <summary>Names the file that a child process writes its run to.</summary>
    private const string Variable = "KUBEMPI_SIMULATION_STORY";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Another_process_lives_through_the_same_run_step_by_step()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { } asked)
        {
            await File.WriteAllLinesAsync(asked, await StoryAsync(), TestContext.Current.CancellationToken);
            return;
        }

        var file = Path.GetTempFileName();
        try
        {
            await RunChildAsync(file);
            Assert.Equal(await StoryAsync(), await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken));
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Each step that did something, and each change of an object: a job under a gang scheduler, whose definition is there and the others' are not.</summary>
    private static async Task<List<string>> StoryAsync()
    {
        var story = new List<string>();
        await using var world = new SimulatedCluster(GangWorld.Options);
        var after = world.Stepper.AfterProgress;
        world.Stepper.AfterProgress = loop =>
        {
            after?.Invoke(loop);
            story.Add($"{world.Clock.GetUtcNow():HH:mm:ss.fff} {loop.Name} {world.Observer.TraceHash}");
        };
        world.Create(GangWorld.Definition(), Kinds.CustomResourceDefinition);
        world.Create(MpiJobs.Job("pi", 3), MpiJobs.Kind);
        world.Create(MpiJobs.Job("tau", 2), MpiJobs.Kind);
        world.RunFor(TimeSpan.FromMinutes(20));
        return story;
    }

    private static async Task RunChildAsync(string story)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [typeof(DeterminismTests).Assembly.Location, "-class", typeof(DeterminismTests).FullName!])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            Environment = { [Variable] = story },
        };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        using var child = Process.Start(start)!;
        var output = await child.StandardOutput.ReadToEndAsync(limit.Token);
        await child.WaitForExitAsync(limit.Token);
        Assert.True(child.ExitCode == 0, output);
    }
}
