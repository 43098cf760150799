namespace EndToEnd;

/// <summary><c>runLauncherAsWorker</c> where the launcher has no sshd: it runs its share of the ranks all the same.</summary>
[Collection("this machine")]
public sealed class LauncherAsWorkerTests
{
    [Theory]
    [InlineData("examples/agent/job.yaml", "agent")]
    [InlineData("examples/agent/mpich.yaml", "agent-mpich")]
    [InlineData("examples/exec/job.yaml", "exec")]
    [InlineData("examples/exec/mpich.yaml", "exec-mpich")]
    public async Task A_launcher_that_runs_ranks_has_its_share_of_them(string example, string job)
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, example));

        var result = await Kubempi.RunTextAsync(manifest.Replace("  slotsPerWorker: 2\n", "  slotsPerWorker: 1\n  runLauncherAsWorker: true\n", StringComparison.Ordinal).Replace("\"4\"", "\"3\"", StringComparison.Ordinal));

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(3, $"{job}-launcher", $"{job}-worker-0", $"{job}-worker-1");
    }
}
