using Kube.Testing;
using Kube.Types;

namespace Mpi.Cli.Tests;

public sealed class InstallationDoctorTests : IDisposable
{
    private readonly TestCluster _cluster = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _cluster.Dispose();

    [Fact]
    public async Task Where_nothing_is_installed_that_is_all_there_is_to_say()
    {
        Assert.Equal(["no kind of MPI job is served here", "there is no Deployment with label app=mpi-operator: nobody acts on jobs, unless an operator runs elsewhere"], (await FindAsync(Verdict.Fault)).Select(static f => f.What));
    }

    [Fact]
    public async Task An_installation_that_works_has_no_fault()
    {
        Install(legacy: true);
        Run("mpi-operator");
        Lead("mpi-operator", "pod-1", TimeSpan.FromSeconds(5));
        Assert.Empty(await FindAsync(Verdict.Fault));
        Assert.Empty(await FindAsync(Verdict.Unknown));
        Assert.Equal(
            ["mpijobs.kubeflow.org is served as v2beta1, v1, v1alpha2, v1alpha1", "jobs of v1, v1alpha2, v1alpha1 are converted", "the operator in namespace mpi-operator: 2 of 2 operator pods are available", "pod-1 leads"],
            (await FindAsync(Verdict.Fine)).Select(static f => f.What));
        // To look changes nothing.
        Assert.Empty(_cluster.List(new ResourceKind("kubeflow.org", "v2beta1", "MPIJob", "mpijobs")));
    }

    [Fact]
    public async Task With_the_webhook_down_the_blockage_is_named_with_what_is_behind_its_Service()
    {
        Install(legacy: true);
        _cluster.Requests.OnRequest = static r => r is { Verb: "create", Resource: "mpijobs" }
            ? new Fault.Refuse(new ApiStatus(500, ApiReason.InternalError, "conversion webhook for kubeflow.org/v1, Kind=MPIJob failed: Post \"https://mpi-operator-webhook.mpi-operator.svc:443/convert\": connection refused"))
            : null;

        var blocked = (await FindAsync(Verdict.Fault))[0];
        Assert.StartsWith("jobs cannot be read or written as v1, v1alpha2, v1alpha1", blocked.What, StringComparison.Ordinal);
        Assert.EndsWith("connection refused. Service mpi-operator/mpi-operator-webhook has no endpoint that is ready: 0 of 2 operator pods are available: no controller has taken up the Deployment yet", blocked.What, StringComparison.Ordinal);
        Assert.Contains("kubempi uninstall", blocked.Remedy, StringComparison.Ordinal);

        _cluster.Delete(Kinds.Deployment, "mpi-operator", ns: "mpi-operator");
        Assert.EndsWith("there is no operator in namespace mpi-operator", (await FindAsync(Verdict.Fault))[0].What, StringComparison.Ordinal);
        _cluster.Delete(Kinds.Service, "mpi-operator-webhook", ns: "mpi-operator");
        Assert.EndsWith("There is no Service mpi-operator/mpi-operator-webhook", (await FindAsync(Verdict.Fault))[0].What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Versions_that_nobody_converts_are_a_fault()
    {
        Install(legacy: true);
        _cluster.Patch(Kinds.CustomResourceDefinition, "mpijobs.kubeflow.org", """{"spec": {"conversion": {"strategy": "None", "webhook": null}}}""");
        Assert.Contains(await FindAsync(Verdict.Fault), static f => f.What == "mpijobs.kubeflow.org serves v1, v1alpha2, v1alpha1 beside v2beta1 and converts nothing between them");
    }

    [Theory]
    [InlineData(null, "there is no Lease mpi-operator")]
    [InlineData("", "the Lease was released")]
    [InlineData("pod-1", "pod-1 renewed the Lease last at 2")]
    public async Task An_operator_that_does_not_lead_is_a_fault(string? holder, string why)
    {
        Install();
        Run("mpi-operator");
        if (holder is not null) Lead("mpi-operator", holder, TimeSpan.FromMinutes(10));
        var fault = Assert.Single(await FindAsync(Verdict.Fault));
        Assert.StartsWith($"nobody leads in namespace mpi-operator, so nobody acts on jobs: {why}", fault.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_operators_and_one_of_another_system_are_named()
    {
        Install();
        Install("elsewhere");
        _cluster.Create(Kinds.Deployment, KubeObject.Parse(
            """{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "old", "namespace": "elsewhere"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "mpi-operator", "image": "mpioperator/mpi-operator:v0.3.0"}]}}}}"""));
        var faults = (await FindAsync(Verdict.Fault)).Select(static f => f.What).ToList();
        Assert.Contains("each of namespaces elsewhere, mpi-operator has an operator for the whole cluster: all of them act on the same jobs", faults);
        Assert.Contains(faults, static f => f.StartsWith("Deployment elsewhere/old runs another mpi-operator (mpioperator/mpi-operator:v0.3.0)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_may_not_be_looked_at_is_said_and_the_rest_is_looked_at()
    {
        Install();
        _cluster.Requests.OnRequest = static r => r.Resource == "deployments" ? new Fault.Refuse(new ApiStatus(403, ApiReason.Forbidden, "deployments.apps is forbidden")) : null;
        Assert.Equal(["the operator's Deployments could not be looked at: deployments.apps is forbidden", "other operators could not be looked at: deployments.apps is forbidden"], (await FindAsync(Verdict.Unknown)).Select(static f => f.What));
        Assert.Empty(await FindAsync(Verdict.Fault));
        Assert.Contains(await FindAsync(Verdict.Fine), static f => f.What == "mpijobs.kubeflow.org is served as v2beta1");
    }

    private async Task<List<Finding>> FindAsync(Verdict verdict) =>
        [.. (await new InstallationDoctor(_cluster.Client, _cluster.Clock).ExamineAsync(Token)).All.Where(f => f.Verdict == verdict)];

    private void Install(string ns = "mpi-operator", bool legacy = false)
    {
        _cluster.Create(A.Namespace(ns));
        foreach (var obj in OperatorManifests.Render(new InstallOptions { Namespace = ns, Legacy = legacy }).Select(static t => KubeObject.From(t)))
        {
            var kind = OperatorManifests.KindOf(obj);
            if (_cluster.Find(kind, obj.Meta.Name, obj.Meta.Namespace) is null) _cluster.Create(kind, obj);
        }
    }

    private void Run(string ns) => _cluster.Patch(Kinds.Deployment, "mpi-operator", """{"status": {"observedGeneration": 9, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}}""", "status", ns);

    private void Lead(string ns, string holder, TimeSpan ago) => _cluster.Create(Kinds.Lease, new Mpi.Operator.LeaseRecord(holder, TimeSpan.FromSeconds(15), null, _cluster.Clock.GetUtcNow() - ago, 1).ToLease(ns, "mpi-operator"));
}
