using System.Text.Json.Nodes;
using Kube.ApiServer;
using Kube.Client;
using Kube.Types;
using Mpi.LocalCluster;

namespace Conformance;

/// <summary>
/// An API server that a transcript is played against: the local one, in process and over HTTPS, always; and a real one when
/// KUBEMPI_CONFORMANCE_KUBECONFIG names it.
/// </summary>
public sealed class Target : IAsyncDisposable
{
    public const string Variable = "KUBEMPI_CONFORMANCE_KUBECONFIG";
    public const string InProcess = "in process";
    public const string Https = "over HTTPS";
    public const string Real = "real";

    private readonly KubeApiServer? _server;
    private readonly ApiServerHost? _host;
    private readonly ClusterConnection? _connection;
    private readonly JsonObject? _cluster;

    /// <param name="cluster">The cluster's entry in its kubeconfig; null for a server without an address.</param>
    private Target(KubeApiServer? server, ApiServerHost? host, ClusterConnection? connection, JsonObject? cluster)
    {
        (_server, _host, _connection, _cluster) = (server, host, connection, cluster);
        Client = OpenClient(static handler => handler);
    }

    public KubeClient Client { get; }

    /// <summary>What every theory here runs over.</summary>
    public static TheoryData<string> All => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } ? [InProcess, Https, Real] : [InProcess, Https];

    /// <summary>The servers that a process of its own can reach.</summary>
    public static TheoryData<string> WithAddress => [.. All.Select(static row => row.Data).Where(static name => name != InProcess)];

    public static async Task<Target> OpenAsync(string name)
    {
        if (name == InProcess) return new Target(new KubeApiServer(new ApiServerOptions()), host: null, connection: null, cluster: null);
        if (name == Https) return await ServeAsync();
        var kubeconfig = Environment.GetEnvironmentVariable(Variable)!;
        return new Target(server: null, host: null, Connect(kubeconfig), ReadCluster(kubeconfig));
    }

    /// <summary>Another client of the same server, whose requests pass through something of the test's.</summary>
    public KubeClient OpenClient(Func<HttpMessageHandler, HttpMessageHandler> wrap) => _connection is { } connection
        ? new KubeClient(wrap(connection.CreateHandler()), connection.Server, KubeClientOptions.Default, TimeProvider.System)
        : new KubeClient(wrap(new InProcessHandler(_server!)), InProcessHandler.BaseAddress, KubeClientOptions.Default, TimeProvider.System);

    /// <summary>A kubeconfig for the same server that holds nothing but a token.</summary>
    public string KubeconfigOf(string token) => new JsonObject
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Config",
        ["clusters"] = new JsonArray(new JsonObject { ["name"] = "it", ["cluster"] = _cluster!.DeepClone() }),
        ["users"] = new JsonArray(new JsonObject { ["name"] = "it", ["user"] = new JsonObject { ["token"] = token } }),
        ["contexts"] = new JsonArray(new JsonObject { ["name"] = "it", ["context"] = new JsonObject { ["cluster"] = "it", ["user"] = "it" } }),
        ["current-context"] = "it",
    }.ToJsonString();

    /// <summary>The same server without a client's help.</summary>
    internal Wire OpenWire() => _connection is { } connection
        ? new Wire(new HttpMessageInvoker(connection.CreateHandler()), connection.Server)
        : new Wire(new HttpMessageInvoker(new InProcessHandler(_server!)), InProcessHandler.BaseAddress);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_host is not null) await _host.DisposeAsync();
        _server?.Dispose();
    }

    /// <summary>The client finds its way by the kubeconfig that the server writes, as kubectl does.</summary>
    private static async Task<Target> ServeAsync()
    {
        var server = new KubeApiServer(new ApiServerOptions());
        var host = await ApiServerHost.StartAsync(server, "conformance-token", TimeProvider.System, port: 0, TestContext.Current.CancellationToken);
        var folder = Directory.CreateTempSubdirectory("conformance-");
        var kubeconfig = Path.Combine(folder.FullName, "kubeconfig");
        host.WriteKubeconfig(kubeconfig);
        var target = new Target(server, host, Connect(kubeconfig), ReadCluster(kubeconfig));
        folder.Delete(recursive: true);
        return target;
    }

    private static JsonObject ReadCluster(string kubeconfig)
    {
        var config = Yaml.Read(File.ReadAllText(kubeconfig)).Single().Root;
        var context = Named("contexts", config["current-context"]!.ToString())["context"]!;
        var cluster = (JsonObject)Named("clusters", context["cluster"]!.ToString())["cluster"]!.DeepClone();
        // Beside the file that names it, and not beside the one that is made from it.
        if (cluster["certificate-authority"] is { } path) cluster["certificate-authority"] = Path.GetFullPath(path.ToString(), Path.GetDirectoryName(Path.GetFullPath(kubeconfig))!);
        return cluster;

        JsonNode Named(string list, string name) => config[list]!.AsArray().Single(e => e!["name"]!.ToString() == name)!;
    }

    private static ClusterConnection Connect(string kubeconfig) => ClusterConnection.Load(new ClusterConnectionOptions(kubeconfig), TimeProvider.System);
}
