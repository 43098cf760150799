using Kube.Client;
using Kube.Types;
using Mpi.Dialects;

namespace EndToEnd;

/// <summary>kube-batch's MPI, through the whole program and beside stock kubectl: real MPICH on pods that are all alike.</summary>
[Collection("this machine")]
public sealed class KubeBatchTests
{
    [Fact]
    public async Task Six_ranks_run_on_six_pods_with_nothing_but_MPICH()
    {
        await using var recording = new ProcessRecording();
        var result = await Kubempi.RunAsync("run", "examples/kube-batch/test-mpi.yaml");
        var started = await recording.EndAsync();

        result.ShouldEndWith(0);
        Assert.Equal(
            Enumerable.Range(0, 6).Select(static i => $"test-mpi-{i}"),
            result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(static l => l.StartsWith("test-mpi-", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains("mpirun", started);
        Assert.Empty(started.Intersect(["ssh", "sshd", "kubectl", "rsh", "wget"]));
        Assert.Empty(recording.ContainerShells);
    }

    [Fact]
    public async Task Two_ranks_leave_a_third_pod_that_ends_as_well()
    {
        var result = await Kubempi.RunAsync("run", "examples/kube-batch/job.yaml");

        result.ShouldEndWith(0);
        Assert.Equal(
            ["rank 0 runs on ring-0", "rank 1 runs on ring-1"],
            result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(static l => l.StartsWith("rank ", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_command_that_fails_gives_the_run_its_exit_code_and_its_words()
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/kube-batch/job.yaml"));

        var result = await Kubempi.RunTextAsync(manifest
            .Replace("backoffLimit: 2", "backoffLimit: 0", StringComparison.Ordinal)
            .Replace("sleep 1'", "echo nowhere to go >&2; exit 7'", StringComparison.Ordinal));

        result.ShouldEndWith(7);
        Assert.Contains("nowhere to go", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stock_kubectl_sees_the_job_its_status_and_the_executors_log()
    {
        await using var house = new Household(TimeSpan.FromMinutes(5));
        (await house.RunAsync("up")).ShouldEndWith(0);
        using var client = Cluster.Connect(house);
        (await house.RunAsync("run", "--keep", "examples/kube-batch/test-mpi.yaml")).ShouldEndWith(0);

        var job = await client.GetAsync(KubeBatchDialect.Mpi, "default", "test-mpi", house.Limit);
        Assert.True(job.Has("Succeeded"));
        Assert.Equal(("6", "agent", 6), (job.Root.Text("status", "descriptors", "hostfileEntries"), job.Root.Text("status", "descriptors", "transport"), job.Root.Integer("status", "job", "succeeded")));

        Assert.Contains("succeeded: 6", (await house.KubectlAsync("get", "-o", "yaml", "mpi", "test-mpi")).Output, StringComparison.Ordinal);
        Assert.Contains("Succeeded", (await house.KubectlAsync("get", "mpi")).Output, StringComparison.Ordinal);
        Assert.Contains("test-mpi-5", (await house.KubectlAsync("logs", job.Root.Text("status", "descriptors", "executor")!)).Output, StringComparison.Ordinal);
        Assert.Contains("Complete", (await house.KubectlAsync("get", "job", "test-mpi")).Output, StringComparison.Ordinal);
    }
}
