namespace EndToEnd;

/// <summary>Each example as it is, through the whole program: real sshd, real mpirun. Ranks must be on the workers.</summary>
[Collection("this machine")]
public sealed class ExampleTests
{
    [Fact]
    public async Task Pi_is_computed_on_both_workers()
    {
        var result = await Kubempi.RunAsync("run", "examples/pi/pi.yaml");

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(4, "pi-worker-0", "pi-worker-1");
        Assert.Contains("pi is approximately 3.14159265", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pi_is_computed_by_mpich_on_three_workers()
    {
        var result = await Kubempi.RunAsync("run", "examples/pi-mpich/pi-mpich.yaml");

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(3, "pi-mpich-worker-0", "pi-mpich-worker-1", "pi-mpich-worker-2");
        Assert.Contains("pi is approximately 3.14159265", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hostname_is_run_twice_on_each_of_three_workers()
    {
        var result = await Kubempi.RunAsync("run", "examples/hostname/hostname.yaml");

        result.ShouldEndWith(0);
        Assert.Equal(
            ["hostname-worker-0", "hostname-worker-0", "hostname-worker-1", "hostname-worker-1", "hostname-worker-2", "hostname-worker-2"],
            result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(static l => l.StartsWith("hostname-", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_restricted_example_runs_as_its_ordinary_user_on_both_workers()
    {
        var result = await Kubempi.RunAsync("run", "examples/cerit/mpijob.yaml");

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(2, "mpijob-worker-0", "mpijob-worker-1");
        Assert.Equal(2, result.Output.Split('\n').Count(static l => l.TrimEnd().EndsWith(" as user", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_failing_rank_gives_the_run_its_exit_code_and_its_words()
    {
        var result = await Kubempi.RunAsync("run", "examples/failing/failing.yaml");

        result.ShouldEndWith(3);
        result.ShouldHaveRanksOn(2, "failing-worker-0", "failing-worker-1");
        Assert.Contains("mesh.h5: no such file on failing-worker-1", result.Output + result.Error, StringComparison.Ordinal);
        var verdict = Assert.Single(result.Error.Split('\n'), static line => line.Contains("failing failed after", StringComparison.Ordinal));
        Assert.Contains("mesh.h5: no such file on failing-worker-1", verdict, StringComparison.Ordinal);
        Assert.Contains("exit code 3", verdict, StringComparison.Ordinal);
    }
}
