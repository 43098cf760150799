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
        Assert.Equal(5, flags.Notes.Length);
        Assert.Equal("flags -alsologtostderr, -v, -stderrthreshold: accepted without effect; the log goes to standard error", flags.Notes[^1]);
    }

    /// <summary>What manifests of each release said, and every other flag of its program (spec/kubeflow-mpijob.md 4.1), in both styles.</summary>
    [Theory]
    [InlineData("0.1.0", "--gpus-per-node 8 --kubectl-delivery-image mpioperator/kubectl-delivery:0.1.0")]
    [InlineData("ksonnet of Kubeflow 0.5", "-alsologtostderr --gpus-per-node 8 --kubectl-delivery-image mpioperator/kubectl-delivery:latest")]
    [InlineData("v1alpha1 of v0.2", "-alsologtostderr -gpus-per-node=8 -processing-units-per-node 4 --processing-resource-type=cpu -kubectl-delivery-image=k:1 --namespace ml --enable-gang-scheduling -master= -kubeConfig=/c")]
    [InlineData("v1alpha2 of v0.2.0", "-alsologtostderr --kubectl-delivery-image k:1 --enable-gang-scheduling=true --namespace kubeflow --threadiness 2")]
    [InlineData("v1alpha2 of v0.2.3", "-alsologtostderr --lock-namespace mpi-operator --kubectl-delivery-image k:1 --gang-scheduling volcano --monitoring-port 8080")]
    [InlineData("v1 of v0.3", "-alsologtostderr --lock-namespace=kubeflow --kubectl-delivery-image=k:1 --gang-scheduling=volcano --threadiness=2 --monitoring-port=0")]
    [InlineData("v2beta1 of v0.8", "-alsologtostderr --lock-namespace=mpi-operator --kube-api-qps=5 --kube-api-burst=10 --controller-queue-rate-limit=10 --controller-queue-burst=100 --cluster-domain= --gang-scheduling=")]
    [InlineData("klog and glog", "-logtostderr=true -v 2 -vmodule=a=1 -stderrthreshold=INFO -alsologtostderrthreshold=0 -log_dir /tmp -log_file=x -log_file_max_size 1 -log_backtrace_at=a.go:1 -skip_headers -skip_log_headers -add_dir_header -one_output -legacy_stderr_threshold_behavior=false")]
    public void The_arguments_of_an_old_Deployment_start_ours(string release, string arguments)
    {
        var flags = Parse(arguments.Split(' '));
        Assert.True(flags.Errors.IsEmpty, $"{release}: {string.Join("; ", flags.Errors)}");
    }

    [Fact]
    public void Arguments_of_the_ksonnet_prototype_start_ours_and_their_numbers_count_in_profile_legacy()
    {
        const string Log = "flag -alsologtostderr: accepted without effect; the log goes to standard error";
        string[] old = ["-alsologtostderr", "--gpus-per-node", "8", "--processing-resource-type=cpu"];
        var plain = Parse(old);
        Assert.Empty(plain.Errors);
        Assert.Null(plain.Options.Conversion);
        Assert.Equal([Log, "flag -gpus-per-node has no effect: it is for --profile=legacy", "flag -processing-resource-type has no effect: it is for --profile=legacy"], plain.Notes);
        var legacy = Parse([.. old, "--profile=legacy", "--lock-namespace=ops"]);
        Assert.Empty(legacy.Errors);
        Assert.Equal([Log], legacy.Notes);
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
    public void Gang_scheduling_that_is_switched_on_without_a_name_is_kube_batchs()
    {
        var flags = Parse("--enable-gang-scheduling");
        Assert.Equal("kube-batch", flags.Options.Planning.GangScheduler);
        Assert.Equal(["flag -enable-gang-scheduling is taken for -gang-scheduling=kube-batch"], flags.Notes);
        Assert.Equal("", Parse("--enable-gang-scheduling=false").Options.Planning.GangScheduler);
        Assert.Equal("volcano", Parse("--enable-gang-scheduling", "--gang-scheduling=volcano").Options.Planning.GangScheduler);
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
