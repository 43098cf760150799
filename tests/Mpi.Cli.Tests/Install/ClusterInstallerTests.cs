using System.Collections.Immutable;
using System.Net;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Cli.Tests;

public sealed class ClusterInstallerTests : IDisposable
{
    private readonly TestCluster _cluster = new();
    private readonly List<string> _said = [];

    private ClusterInstaller Installer => new(_cluster.Client, _cluster.Clock, _said.Add, static _ => { });

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _cluster.Dispose();

    [Fact]
    public async Task Each_object_is_applied_by_the_server_in_an_order_in_which_it_can_be_made()
    {
        var handler = new Echo();
        using var client = new KubeClient(handler, new Uri("http://cluster.example"), KubeClientOptions.Default, _cluster.Clock);
        await new ClusterInstaller(client, _cluster.Clock, _said.Add, static _ => { }).ApplyAsync(OperatorManifests.Render(new InstallOptions { Namespace = "team" }), Token);
        Assert.All(handler.Requests, static r => Assert.Equal("PATCH application/apply-patch+yaml fieldManager=kubempi force=true", r.How));
        Assert.Equal("/api/v1/namespaces/team", handler.Requests[0].Path);
        Assert.Equal("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/mpijobs.kubeflow.org", handler.Requests[1].Path);
        Assert.Contains(handler.Requests, static r => r.Path == "/apis/apps/v1/namespaces/team/deployments/mpi-operator");
        Assert.Equal(_said.Count, handler.Requests.Count);
    }

    [Fact]
    public async Task Uninstalling_takes_away_what_was_installed_and_leaves_jobs_and_their_definition()
    {
        Install("mpi-operator");
        _cluster.Create(KubeflowV2Beta1Dialect.MpiJob, Job("default"));
        await Installer.RemoveAsync(OperatorManifests.Render(new InstallOptions()), [], Token);
        Assert.Null(_cluster.Find(Kinds.Deployment, "mpi-operator", "mpi-operator"));
        Assert.Null(_cluster.Find(Kinds.ClusterRole, "mpi-operator"));
        Assert.NotNull(_cluster.Find(Kinds.CustomResourceDefinition, "mpijobs.kubeflow.org"));
        Assert.NotNull(_cluster.Find(KubeflowV2Beta1Dialect.MpiJob, "pi"));
        Assert.Contains(_said, static s => s.Contains("stays, with 1 jobs; 1 of them unfinished", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Before_anything_goes_the_API_server_is_told_to_ask_no_webhook_any_more()
    {
        Install("mpi-operator", legacy: true);
        var version = _cluster.Get(Kinds.CustomResourceDefinition, "mpijobs.kubeflow.org").Meta.ResourceVersion;
        await Installer.RemoveAsync(OperatorManifests.Render(new InstallOptions { Legacy = true }), [], Token);
        var definition = _cluster.Get(Kinds.CustomResourceDefinition, "mpijobs.kubeflow.org");
        Assert.NotEqual(version, definition.Meta.ResourceVersion);
        Assert.Equal("None", definition.Root.Text("spec", "conversion", "strategy"));
        Assert.False(definition.Root.Has("spec", "conversion", "webhook"));
        Assert.Equal(["v2beta1"], definition.Root.Items("spec", "versions").Where(static v => v.Flag("served") == true).Select(static v => v.Text("name")));
        Assert.StartsWith("CustomResourceDefinition mpijobs.kubeflow.org asks no webhook any more", _said[0], StringComparison.Ordinal);
        Assert.Null(_cluster.Find(Kinds.ClusterRole, "mpi-operator-legacy"));
        Assert.Null(_cluster.Find(Kinds.Service, "mpi-operator-webhook", "mpi-operator"));
    }

    [Fact]
    public async Task The_webhook_of_an_operator_elsewhere_is_left_alone()
    {
        Install("elsewhere", legacy: true);
        await Installer.RemoveAsync(OperatorManifests.Render(new InstallOptions { Legacy = true }), [], Token);
        Assert.Equal("Webhook", _cluster.Get(Kinds.CustomResourceDefinition, "mpijobs.kubeflow.org").Root.Text("spec", "conversion", "strategy"));
    }

    [Fact]
    public async Task What_old_operators_stored_is_rewritten_and_said()
    {
        Install("mpi-operator", legacy: true);
        _cluster.Create(KubeflowV2Beta1Dialect.MpiJob, Job("default"));
        _cluster.Patch(Kinds.CustomResourceDefinition, "mpijobs.kubeflow.org", """{"status": {"storedVersions": ["v1", "v2beta1"]}}""", "status");
        Assert.True(await Installer.MigrateAsync(TimeSpan.FromMinutes(1), Token));
        Assert.Equal(["v2beta1"], _cluster.Get(Kinds.CustomResourceDefinition, "mpijobs.kubeflow.org").Root.Words("status", "storedVersions"));
        Assert.Equal("mpijobs.kubeflow.org: 1 objects rewritten; all are stored as v2beta1 now", _said[^1]);
    }

    [Fact]
    public async Task A_namespace_with_somebodys_job_in_it_stays()
    {
        Install("mpi-operator");
        _cluster.Create(KubeflowV2Beta1Dialect.MpiJob, Job("mpi-operator"));
        await Installer.RemoveAsync(OperatorManifests.Render(new InstallOptions()), [], Token);
        Assert.Null(_cluster.Get(Kinds.Namespace, "mpi-operator").Meta.DeletionTimestamp);
        Assert.Contains("Namespace mpi-operator stays: it holds 1 MPI jobs and 0 other pods", _said);
    }

    [Fact]
    public async Task Asked_for_it_the_definition_goes_too_and_a_second_time_there_is_nothing_to_do()
    {
        Install("mpi-operator");
        await Installer.RemoveAsync(OperatorManifests.Render(new InstallOptions()), ["mpijobs.kubeflow.org"], Token);
        Assert.Null(_cluster.Find(Kinds.CustomResourceDefinition, "mpijobs.kubeflow.org"));
        _said.Clear();
        await Installer.RemoveAsync(OperatorManifests.Render(new InstallOptions { Overlay = "kubeflow" }), ["mpijobs.kubeflow.org"], Token);
        Assert.Empty(_said);
    }

    [Fact]
    public async Task Of_another_systems_jobs_the_rights_go_and_the_definition_stays_unless_it_is_asked_for()
    {
        var options = new InstallOptions { Dialects = ["kube-batch", "metacontroller"] };
        Install("mpi-operator", dialects: options.Dialects);
        _cluster.Create(KubeBatchDialect.Mpi, KubeObject.Parse("""{"apiVersion": "scheduling.incubator.k8s.io/v1alpha1", "kind": "MPI", "metadata": {"name": "ring", "namespace": "mpi-operator"}, "spec": {"job": {"template": {}}}}"""));
        await Installer.RemoveAsync(OperatorManifests.Render(options), ["mpijobs.skatelescope.org"], Token);
        Assert.Null(_cluster.Find(Kinds.ClusterRole, "mpi-operator-kube-batch"));
        Assert.Null(_cluster.Find(Kinds.ClusterRoleBinding, "mpi-operator-metacontroller"));
        Assert.Null(_cluster.Find(Kinds.CustomResourceDefinition, "mpijobs.skatelescope.org"));
        Assert.Contains(_said, static s => s.StartsWith("CustomResourceDefinition mpis.scheduling.incubator.k8s.io stays, with 1 jobs; 1 of them unfinished", StringComparison.Ordinal) && s.Contains("(--crd --dialect kube-batch deletes it", StringComparison.Ordinal));
        Assert.Contains("Namespace mpi-operator stays: it holds 1 MPI jobs and 0 other pods", _said);
    }

    [Fact]
    public async Task Another_operator_for_the_whole_cluster_is_found_and_a_namespaced_one_is_not()
    {
        Install("elsewhere");
        Assert.Equal("elsewhere", await Installer.FindOtherAsync("mpi-operator", Token));
        Assert.Null(await Installer.FindOtherAsync("elsewhere", Token));
        _cluster.Delete(Kinds.Deployment, "mpi-operator", ns: "elsewhere");
        Install("team", "namespaced");
        Assert.Null(await Installer.FindOtherAsync("mpi-operator", Token));
    }

    [Fact]
    public async Task What_keeps_the_operator_from_running_is_told_when_the_time_is_up()
    {
        Install("mpi-operator");
        Assert.Equal("0 of 2 operator pods are available: no controller has taken up the Deployment yet", await Installer.WaitAsync("mpi-operator", TimeSpan.Zero, Token));
        _cluster.Patch(Kinds.Deployment, "mpi-operator", """{"status": {"observedGeneration": 9, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}}""", "status", "mpi-operator");
        Assert.Null(await Installer.WaitAsync("mpi-operator", TimeSpan.Zero, Token));
    }

    /// <summary>As <c>kubectl create -f</c> would.</summary>
    private void Install(string ns, string overlay = "standalone", bool legacy = false, ImmutableArray<string>? dialects = null)
    {
        if (_cluster.Find(Kinds.Namespace, ns) is null) _cluster.Create(A.Namespace(ns));
        foreach (var tree in OperatorManifests.Render(new InstallOptions { Overlay = overlay, Namespace = ns, Legacy = legacy, Dialects = dialects ?? [] }))
        {
            var obj = KubeObject.From(tree);
            var kind = OperatorManifests.KindOf(obj);
            if (_cluster.Find(kind, obj.Meta.Name, obj.Meta.Namespace) is null) _cluster.Create(kind, obj);
        }
    }

    private static KubeObject Job(string ns) => KubeObject.Parse(
        """{"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": "pi", "namespace": "NAMESPACE"}, "spec": {"mpiReplicaSpecs": {"Launcher": {"template": {"spec": {"containers": [{"name": "main"}]}}}}}}"""
            .Replace("NAMESPACE", ns, StringComparison.Ordinal));

    /// <summary>Answers each request with its own body.</summary>
    private sealed class Echo : HttpMessageHandler
    {
        public List<(string Path, string How)> Requests { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var query = request.RequestUri!.Query.TrimStart('?').Replace('&', ' ');
            Requests.Add((request.RequestUri.AbsolutePath, $"{request.Method} {request.Content!.Headers.ContentType!.MediaType} {query}"));
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(await request.Content.ReadAsByteArrayAsync(cancellationToken)) };
        }
    }
}
