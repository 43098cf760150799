namespace EndToEnd;

/// <summary>Jobs over the Kubernetes API, through the whole program: real mpirun, no sshd and no kubectl.</summary>
[Collection("this machine")]
public sealed class ExecTransportTests
{
    [Theory]
    [InlineData("examples/exec/job.yaml", "exec")]
    [InlineData("examples/exec/mpich.yaml", "exec-mpich")]
    public async Task Ranks_run_on_both_workers_and_neither_ssh_nor_kubectl_is_ever_started(string example, string job)
    {
        await using var recording = new ProcessRecording();
        var result = await Kubempi.RunAsync("run", example);
        var started = await recording.EndAsync();

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(4, $"{job}-worker-0", $"{job}-worker-1");
        // The recording did see what this run started, ranks among them.
        Assert.Contains("pi", started);
        Assert.Empty(started.Intersect(["ssh", "sshd", "ssh-keygen", "kubectl", "rsh"]));
    }

    [Fact]
    public async Task A_failing_rank_gives_the_run_its_exit_code()
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/exec/job.yaml"));

        var result = await Kubempi.RunTextAsync(manifest
            .Replace("  runPolicy:\n", "  runPolicy:\n    backoffLimit: 0\n", StringComparison.Ordinal)
            .Replace("    Launcher:\n", "    Launcher:\n      restartPolicy: Never\n", StringComparison.Ordinal)
            .Replace("/home/mpiuser/pi]", "sh, -c, 'echo nowhere to go >&2; exit 7']", StringComparison.Ordinal));

        result.ShouldEndWith(7);
        Assert.Contains("nowhere to go", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_launcher_with_an_account_of_its_own_is_refused_with_the_way_out()
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/exec/job.yaml"));

        var result = await Kubempi.RunTextAsync(manifest.Replace(
            "      template:\n        spec:\n          securityContext: &restricted-pod",
            "      template:\n        spec:\n          serviceAccountName: mine\n          securityContext: &restricted-pod",
            StringComparison.Ordinal));

        result.ShouldEndWith(2);
        Assert.Contains("use transport agent, which leaves the launcher its account", result.Error, StringComparison.Ordinal);
    }
}
