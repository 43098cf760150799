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

    private Target(KubeClient client, KubeApiServer? server) => (Client, _server) = (client, server);

    public KubeClient Client { get; }

    /// <summary>What every theory here runs over.</summary>
    public static TheoryData<string> All => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } ? ["local", "real"] : ["local"];

    public static Target Open(string name, Func<HttpMessageHandler, HttpMessageHandler>? wrap = null)
    {
        wrap ??= static handler => handler;
        if (name == "local")
        {
            var server = new KubeApiServer(new ApiServerOptions());
            return new Target(new KubeClient(wrap(new InProcessHandler(server)), InProcessHandler.BaseAddress, KubeClientOptions.Default, TimeProvider.System), server);
        }

        var connection = ClusterConnection.Load(new ClusterConnectionOptions(Environment.GetEnvironmentVariable(Variable)!), TimeProvider.System);
        return new Target(new KubeClient(wrap(connection.CreateHandler()), connection.Server, KubeClientOptions.Default, TimeProvider.System), server: null);
    }

    public void Dispose()
    {
        Client.Dispose();
        _server?.Dispose();
    }
}
