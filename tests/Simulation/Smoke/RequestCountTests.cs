namespace Simulation;

/// <summary>What a job may cost the API server (design section 3: at most N + 12 writes for N workers).</summary>
public sealed class RequestCountTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(16)]
    public async Task A_job_costs_twelve_writes_beside_its_workers_and_no_reads(int workers)
    {
        var run = await SmokeRun.PlayAsync(new SimulationOptions(7) { Worker = Kube.Nodes.Virtual.PodScript.RunsForever with { StartDelay = TimeSpan.FromSeconds(6) } }, workers: workers);
        Assert.True(run.Writes <= workers + 12, $"{run.Writes} writes:\n{string.Join("\n", run.WritesSeen)}");
        Assert.Equal(0, run.Gets);
    }
}
