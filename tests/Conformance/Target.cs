using Kube.ApiServer;
using Kube.Client;

namespace Conformance;

/// <summary>
/// An API server that a transcript is played against: the local one always, and a real one when KUBEMPI_CONFORMANCE_KUBECONFIG names it.
/// </summary>
public sealed class Target : IDisposable
{
    public const string Variable = "KUBEMPI_CONFORMANCE_KUBECONFIG";

    private readonly KubeApiServer? _server;
    private readonly ClusterConnection? _connection;

    private Target(KubeApiServer? server, ClusterConnection? connection)
    {
        (_server, _connection) = (server, connection);
        Client = OpenClient(static handler => handler);
    }

    public KubeClient Client { get; }

    /// <summary>What every theory here runs over.</summary>
    public static TheoryData<string> All => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } ? ["local", "real"] : ["local"];

    public static Target Open(string name) => name == "local"
        ? new Target(new KubeApiServer(new ApiServerOptions()), connection: null)
        : new Target(server: null, ClusterConnection.Load(new ClusterConnectionOptions(Environment.GetEnvironmentVariable(Variable)!), TimeProvider.System));

    /// <summary>Another client of the same server, whose requests pass through something of the test's.</summary>
    public KubeClient OpenClient(Func<HttpMessageHandler, HttpMessageHandler> wrap) => _connection is { } connection
        ? new KubeClient(wrap(connection.CreateHandler()), connection.Server, KubeClientOptions.Default, TimeProvider.System)
        : new KubeClient(wrap(new InProcessHandler(_server!)), InProcessHandler.BaseAddress, KubeClientOptions.Default, TimeProvider.System);

    public void Dispose()
    {
        Client.Dispose();
        _server?.Dispose();
    }
}
