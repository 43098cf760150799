using Kube.ApiServer;
using Kube.Client;
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

    private Target(KubeApiServer? server, ApiServerHost? host, ClusterConnection? connection)
    {
        (_server, _host, _connection) = (server, host, connection);
        Client = OpenClient(static handler => handler);
    }

    public KubeClient Client { get; }

    /// <summary>What every theory here runs over.</summary>
    public static TheoryData<string> All => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } ? [InProcess, Https, Real] : [InProcess, Https];

    public static async Task<Target> OpenAsync(string name) => name switch
    {
        InProcess => new Target(new KubeApiServer(new ApiServerOptions()), host: null, connection: null),
        Https => await ServeAsync(),
        _ => new Target(server: null, host: null, Connect(Environment.GetEnvironmentVariable(Variable)!)),
    };

    /// <summary>Another client of the same server, whose requests pass through something of the test's.</summary>
    public KubeClient OpenClient(Func<HttpMessageHandler, HttpMessageHandler> wrap) => _connection is { } connection
        ? new KubeClient(wrap(connection.CreateHandler()), connection.Server, KubeClientOptions.Default, TimeProvider.System)
        : new KubeClient(wrap(new InProcessHandler(_server!)), InProcessHandler.BaseAddress, KubeClientOptions.Default, TimeProvider.System);

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
        var connection = Connect(kubeconfig);
        folder.Delete(recursive: true);
        return new Target(server, host, connection);
    }

    private static ClusterConnection Connect(string kubeconfig) => ClusterConnection.Load(new ClusterConnectionOptions(kubeconfig), TimeProvider.System);
}
