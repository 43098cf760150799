using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
using Mpi.Cli;
using Mpi.Dialects;

namespace Conformance;

/// <summary>
/// A real API server with profile legacy: the definition and the rights of deploy/install-legacy.yaml, applied as <c>kubempi install</c> does, and the operator
/// outside the cluster, where the API server reaches its webhook by a URL. The definition is the cluster's, so it is taken away again.
/// </summary>
internal sealed class LegacyGround : IAsyncDisposable
{
    private const string Definition = "mpijobs.kubeflow.org";

    /// <summary>Only ends what hangs.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>All but the Deployment and what leads to it: the test starts the operator itself.</summary>
    private static readonly string[] NotApplied = ["Deployment", "Service", "PodDisruptionBudget"];

    private readonly int _port = FreePort();
    private readonly ImmutableArray<JsonObject> _objects;

    private LegacyGround(Target target)
    {
        Target = target;
        _objects = [.. OperatorManifests.Render(new InstallOptions { Legacy = true, Flags = [$"--webhook-url={Url}"] })];
    }

    public static readonly ImmutableArray<string> Versions = ["v2beta1", "v1", "v1alpha2", "v1alpha1"];

    public Target Target { get; }
    public KubeClient Admin => Target.Client;
    public string Namespace { get; } = $"legacy-{Guid.NewGuid():N}"[..20];

    /// <summary>What the installer has said.</summary>
    public List<string> Said { get; } = [];

    private string Url => $"https://127.0.0.1:{_port}/convert";

    public static ResourceKind Kind(string version) => KubeflowV2Beta1Dialect.MpiJob with { Version = version };

    /// <summary>A real server, a namespace, and no definition of MPIJob.</summary>
    public static async Task<LegacyGround> OpenAsync()
    {
        var ground = new LegacyGround(await Target.OpenAsync(Target.Real));
        await ground.DropDefinitionAsync();
        await ground.Admin.CreateAsync(Kinds.Namespace, A.Namespace(ground.Namespace), Token);
        return ground;
    }

    public ClusterInstaller Installer => new(Admin, TimeProvider.System, Said.Add, static _ => { });

    /// <summary>As <c>kubempi install --profile legacy</c> applies it.</summary>
    public Task InstallAsync() => Installer.ApplyAsync([.. _objects.Where(static o => !NotApplied.Contains((string?)o["kind"]))], Token);

    /// <summary>As <c>kubempi uninstall</c> takes it away; what other tests need of it stays.</summary>
    public Task EndConversionAsync() => Installer.EndConversionAsync("mpi-operator", Token);

    /// <summary>The operator, serving this server's conversions when it returns.</summary>
    public async Task<OperatorChild> StartAsync(params string[] flags)
    {
        var child = await OperatorChild.StartAsync(Target, ["--profile=legacy", $"--webhook-url={Url}", $"--webhook-port={_port}", $"--namespace={Namespace}", .. flags]);
        await UntilAsync("conversion", async () =>
        {
            await Admin.CreateAsync(Kind("v1"), Job("v1", $"probe-{Guid.NewGuid():N}"[..16]), Token);
            return true;
        }, () => child.Log);
        return child;
    }

    public async Task<KubeObject> DefinitionAsync() => await Admin.GetAsync(Kinds.CustomResourceDefinition, null, Definition, Token);

    public async Task<IReadOnlyList<string>> StoredVersionsAsync() => (await DefinitionAsync()).Root.Words("status", "storedVersions");

    /// <summary>A job as people wrote it for each version.</summary>
    public KubeObject Job(string version, string name) => KubeObject.Parse(version switch
    {
        "v1alpha1" => $$$"""
            {"apiVersion": "kubeflow.org/v1alpha1", "kind": "MPIJob", "metadata": {"name": "{{{name}}}", "namespace": "{{{Namespace}}}"},
             "spec": {"gpus": 16, "launcherOnMaster": true, "backoffLimit": 3, "template": {"spec": {"containers": [{"name": "main", "image": "example/mpi", "command": ["mpirun", "hostname"], "unheardOf": 7}]}} } }
            """,
        "v1alpha2" => $$$"""
            {"apiVersion": "kubeflow.org/v1alpha2", "kind": "MPIJob", "metadata": {"name": "{{{name}}}", "namespace": "{{{Namespace}}}"},
             "spec": {"slotsPerWorker": 2, "cleanPodPolicy": "Running", "mpiDistribution": "IntelMPI", "mpiReplicaSpecs": {
               "Launcher": {"replicas": 1, "template": {"spec": {"containers": [{"name": "main", "image": "example/mpi", "command": "mpirun hostname"}]}} },
               "Worker": {"replicas": 2, "template": {"spec": {"containers": [{"name": "main", "image": "example/mpi"}]}} } } } }
            """,
        _ => $$$"""
            {"apiVersion": "kubeflow.org/{{{version}}}", "kind": "MPIJob", "metadata": {"name": "{{{name}}}", "namespace": "{{{Namespace}}}"},
             "spec": {"slotsPerWorker": 1, "runPolicy": {"cleanPodPolicy": "Running", "backoffLimit": 2}, "mpiReplicaSpecs": {
               "Launcher": {"replicas": 1, "restartPolicy": "OnFailure", "template": {"spec": {"containers": [{"name": "main", "image": "example/mpi", "command": ["mpirun", "hostname"]}]}} },
               "Worker": {"replicas": 2, "restartPolicy": "OnFailure", "template": {"spec": {"containers": [{"name": "main", "image": "example/mpi"}]}} } } } }
            """,
    });

    /// <summary>The definition of an old operator, which knew one version and asked little of its objects.</summary>
    public async Task InstallOldAsync(string version)
    {
        await Admin.CreateAsync(Kinds.CustomResourceDefinition, KubeObject.From(JsonNode.Parse($$$"""
            {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "{{{Definition}}}"},
             "spec": {"group": "kubeflow.org", "scope": "Namespaced", "names": {"kind": "MPIJob", "plural": "mpijobs", "singular": "mpijob", "shortNames": ["mj", "mpij"]},
               "versions": [{"name": "{{{version}}}", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                 "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true} } } } }]} }
            """)!), Token);
        await UntilAsync($"{version} served", async () =>
        {
            await Admin.ListAsync(Kind(version), Namespace, new ListOptions(), Token);
            return true;
        });
    }

    /// <summary>Runs kubectl against the server.</summary>
    public static async Task<string> KubectlAsync(string arguments)
    {
        var (exit, output) = await TryKubectlAsync(arguments);
        Assert.True(exit == 0, output);
        return output;
    }

    public static Task<(int Exit, string Output)> TryKubectlAsync(string arguments) =>
        Shell.RunAsync($"kubectl {arguments}", Path.GetTempPath(), [.. Kubectl.Environment, new("KUBECONFIG", Environment.GetEnvironmentVariable(Target.Variable)!)]);

    /// <summary>Until it holds; what the server refuses meanwhile does not count.</summary>
    public static async Task UntilAsync(string what, Func<Task<bool>> holds, Func<string>? story = null)
    {
        var (begin, last) = (TimeProvider.System.GetTimestamp(), "");
        while (true)
        {
            try
            {
                if (await holds()) return;
            }
            catch (ApiException refused)
            {
                last = refused.Message;
            }

            if (TimeProvider.System.GetElapsedTime(begin) > Patience) Assert.Fail($"{what}: not within {Patience.TotalSeconds} s; {last}\n{story?.Invoke()}");
            await Task.Delay(100, Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await DropDefinitionAsync();
        await Admin.DeleteAsync(Kinds.Namespace, null, Namespace, new DeleteOptions(), CancellationToken.None);
        await Target.DisposeAsync();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private async Task DropDefinitionAsync()
    {
        // A definition whose webhook is gone cannot be emptied.
        await EndConversionAsync();
        try
        {
            await Admin.DeleteAsync(Kinds.CustomResourceDefinition, null, Definition, new DeleteOptions(), CancellationToken.None);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return;
        }

        await UntilAsync("the definition gone", async () => !(await Admin.ListAsync(Kinds.CustomResourceDefinition, null, new ListOptions(), CancellationToken.None)).Items.Any(static d => d.Meta.Name == Definition));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
