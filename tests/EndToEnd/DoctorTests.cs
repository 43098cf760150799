namespace EndToEnd;

/// <summary><c>kubempi doctor JOB</c> against a cluster with real pods.</summary>
[Collection("this machine")]
public sealed class DoctorTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task The_doctor_says_why_a_job_waits_and_why_one_failed()
    {
        await using var house = new Household(Patience);
        (await house.RunAsync("up")).ShouldEndWith(0);

        var nobody = await house.RunAsync("doctor", "failing");
        nobody.ShouldEndWith(2);
        Assert.Equal("kubempi doctor: there is no job failing in namespace default (--namespace names another)\n", nobody.Error);

        await house.ShellAsync("kubectl apply -f examples/failing/failing.yaml && kubectl wait --for=condition=Failed mpijobs/failing --timeout=180s");
        var failed = await house.RunAsync("doctor", "failing");
        failed.ShouldEndWith(1);
        Assert.StartsWith("MPIJob.kubeflow.org default/failing:\n✗ it failed: ", failed.Output, StringComparison.Ordinal);
        Assert.Contains("container launcher ended with exit code 3", failed.Output, StringComparison.Ordinal);
        Assert.Contains("    mesh.h5: no such file on failing-worker-1\n", failed.Output, StringComparison.Ordinal);

        await house.ShellAsync("sed 's/cpu: 100m/cpu: 100k/; s/name: failing/name: greedy/' examples/failing/failing.yaml | kubectl apply -f -; "
            + "until kubectl get pods -o jsonpath='{.items[*].status.conditions[?(@.type==\"PodScheduled\")].message}' | grep -q Insufficient; do sleep 0.2; done");
        var waiting = await house.RunAsync("doctor", "greedy");
        waiting.ShouldEndWith(1);
        Assert.Contains("has no node: 0/1 nodes are available: 1 Insufficient cpu", waiting.Output, StringComparison.Ordinal);
        Assert.Contains("  → lower what it requests", waiting.Output, StringComparison.Ordinal);

        await house.ShellAsync("kubectl delete mpijobs --all && kubectl apply -f examples/hostname/hostname.yaml && kubectl wait --for=condition=Succeeded mpijobs --all --timeout=180s");
        var well = await house.RunAsync("doctor", "hostname");
        well.ShouldEndWith(0);
        Assert.Equal("MPIJob.kubeflow.org default/hostname:\n✓ it succeeded\n", well.Output);
    }
}
