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
        var flags = Parse("--enable-gang-scheduling");
        Assert.Equal(["flag -enable-gang-scheduling=true: not served by this release"], flags.Errors);
    }

    [Fact]
    public void Arguments_of_the_ksonnet_prototype_start_ours_and_their_numbers_count_in_profile_legacy()
    {
        string[] old = ["-alsologtostderr", "--gpus-per-node", "8", "--processing-resource-type=cpu"];
        var plain = Parse(old);
        Assert.Empty(plain.Errors);
        Assert.Null(plain.Options.Conversion);
        Assert.Equal(["flag -gpus-per-node has no effect: it is for --profile=legacy", "flag -processing-resource-type has no effect: it is for --profile=legacy"], plain.Notes);
        var legacy = Parse([.. old, "--profile=legacy", "--lock-namespace=ops"]);
        Assert.Empty(legacy.Errors);
        Assert.Empty(legacy.Notes);
        Assert.Equal("ops", legacy.Options.Conversion!.Namespace);
        Assert.Equal(("8", "cpu"), (legacy.Options.Conversion.Flags["gpus-per-node"], legacy.Options.Conversion.Flags["processing-resource-type"]));
    }

    [Fact]
    public void What_is_wrong_with_the_webhooks_flags_is_said_all_at_once()
    {
        Assert.Equal(["flag -profile: \"v1\" is not supported; supported: v2beta1, legacy"], Parse("--profile=v1").Errors);
        Assert.Equal(3, Parse("--profile=legacy", "--gpus-per-node=none", "--webhook-url=http://host/convert", "--webhook-port=8080").Errors.Length);
        Assert.Equal("https://[::1]:9443/convert", Parse("--profile=legacy", "--webhook-url=https://[::1]:9443/convert").Options.Conversion!.Url!.OriginalString);
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

    [Theory]
    [InlineData("--missing-gang-scheduler=ignore", true, 0)]
    [InlineData("--missing-gang-scheduler=wait", false, 0)]
    [InlineData("--missing-gang-scheduler=maybe", false, 1)]
    public void Jobs_whose_gang_scheduler_is_missing_wait_for_it_or_do_without(string flag, bool without, int errors)
    {
        var flags = Parse(flag);
        Assert.Equal((without, errors), (flags.Options.Planning.FallBackFromMissingGang, flags.Errors.Length));
    }

    [Fact]
    public void The_namespace_of_old_manifests_comes_from_the_environment_and_a_flag_overrides_it()
    {
        Assert.Equal("a", OperatorFlags.Parse([], static name => name == "KUBEFLOW_NAMESPACE" ? "a" : null).Options.Namespace);
        Assert.Equal("b", OperatorFlags.Parse(["--namespace=b"], static name => name == "KUBEFLOW_NAMESPACE" ? "a" : null).Options.Namespace);
    }
}
