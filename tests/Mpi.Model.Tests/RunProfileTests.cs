using System.Collections.Immutable;
using Kube.Types;

namespace Mpi.Model.Tests;

public sealed class RunProfileTests
{
    private static readonly RunProfile Profile = new()
    {
        JobKind = new ResourceKind("kubeflow.org", "v2beta1", "MPIJob", "mpijobs"),
        Job = new ObjectMeta { Name = "pi", Namespace = "hpc" },
        Service = "pi",
        ConfigMap = "pi-config",
        SshSecret = "pi-ssh",
        Agent = "pi-agent",
        Launcher = "pi-launcher",
        WorkerPrefix = "pi-worker-",
        ChildLabels = ImmutableSortedDictionary<string, string>.Empty,
        PodSelector = ImmutableSortedDictionary<string, string>.Empty,
        LauncherLabels = ImmutableSortedDictionary<string, string>.Empty,
        WorkerLabels = ImmutableSortedDictionary<string, string>.Empty,
        IndexLabel = "index",
    };

    [Theory]
    [InlineData("pi-worker-0", 0)]
    [InlineData("pi-worker-10", 10)]
    [InlineData("pi-worker-999999999", 999999999)]
    [InlineData("pi-worker-", null)]
    [InlineData("pi-worker-01", null)]
    [InlineData("pi-worker-1x", null)]
    [InlineData("pi-worker--1", null)]
    [InlineData("pi-worker-9999999999", null)]
    [InlineData("pi-launcher", null)]
    [InlineData("api-worker-1", null)]
    public void A_workers_index_is_read_from_its_name_and_from_no_other(string name, int? index) => Assert.Equal(index, Profile.WorkerIndex(name));

    [Fact]
    public void Names_and_indexes_belong_together() =>
        Assert.All(Enumerable.Range(0, 1000), static i => Assert.Equal(i, Profile.WorkerIndex(Profile.Worker(i))));

    [Theory]
    [InlineData("", "pi-worker-3.pi.hpc.svc")]
    [InlineData("cluster.local", "pi-worker-3.pi.hpc.svc.cluster.local")]
    public void A_host_is_named_under_the_jobs_service(string domain, string expected) => Assert.Equal(expected, Profile.Host(Profile.Worker(3), domain));
}
