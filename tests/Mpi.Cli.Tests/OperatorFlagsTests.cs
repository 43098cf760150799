using Mpi.Planning;

namespace Mpi.Cli.Tests;

public sealed class OperatorFlagsTests
{
    private static OperatorFlags Parse(params string[] arguments) => OperatorFlags.Parse(arguments, static _ => null);

    [Fact]
    public void Every_flag_of_the_old_operator_starts_ours_and_those_without_a_meaning_are_named()
    {
        var flags = Parse(
            "-alsologtostderr", "--v=4", "-stderrthreshold", "INFO", "--master=https://h:1", "-kubeConfig", "/c", "--namespace=a", "--threadiness=2", "--monitoring-port=8081",
            "--gang-scheduling=volcano", "--lock-namespace", "kubeflow", "--kube-api-qps=5", "--kube-api-burst=10", "--controller-queue-rate-limit=10", "--controller-queue-burst=100", "--cluster-domain=example.org");
        Assert.Empty(flags.Errors);
        Assert.Equal(("a", "kubeflow", 8081, 2), (flags.Options.Namespace, flags.Options.Lease.Namespace, flags.Options.MonitoringPort, flags.Options.Threadiness));
        Assert.Equal(("volcano", "example.org"), (flags.Options.Planning.GangScheduler, flags.Options.Planning.ClusterDomain));
        Assert.Equal(4, flags.Notes.Length);
    }

    [Fact]
    public void Flags_of_versions_that_are_not_served_are_refused_by_name()
    {
        var flags = Parse("--enable-gang-scheduling", "--gpus-per-node", "8");
        Assert.Equal(["flag -enable-gang-scheduling=true: not served by this release", "flag -gpus-per-node=8: not served by this release"], flags.Errors);
    }

    [Fact]
    public void What_an_administrator_may_choose_reaches_the_planner()
    {
        var planning = Parse("--release-finished-workers", "--on-launcher-deleted=retry", "--compat=strict", "--launcher-restart-policy=Never").Options.Planning;
        Assert.True(planning.ReleaseFinishedWorkers);
        Assert.Equal(LauncherLossPolicy.Retry, planning.OnLauncherDeleted);
        Assert.True(planning.Strict);
        Assert.Equal("Never", planning.LauncherRestartPolicy);
        Assert.Equal(["flag -on-launcher-deleted: \"restart\" is not supported; supported: fail, retry"], Parse("--on-launcher-deleted=restart").Errors);
    }

    [Fact]
    public void The_namespace_of_old_manifests_comes_from_the_environment_and_a_flag_overrides_it()
    {
        Assert.Equal("a", OperatorFlags.Parse([], static name => name == "KUBEFLOW_NAMESPACE" ? "a" : null).Options.Namespace);
        Assert.Equal("b", OperatorFlags.Parse(["--namespace=b"], static name => name == "KUBEFLOW_NAMESPACE" ? "a" : null).Options.Namespace);
    }
}
