using Kube.Client;
using Kube.Controllers;
using Mpi.LocalCluster;

namespace Conformance;

/// <summary>The local cluster's controllers beside a local server.</summary>
internal sealed class LocalControllers : IAsyncDisposable
{
    private readonly KubeClient _client;
    private readonly ControllerSet _controllers;
    private readonly LoopHost _loops = new();

    public LocalControllers(Target target)
    {
        _client = target.OpenClient(static handler => handler);
        _controllers = new ControllerSet(_client, new ControllerOptions(), TimeProvider.System, new Random());
        _loops.Start(_controllers.Loops);
    }

    public async ValueTask DisposeAsync()
    {
        await _loops.DisposeAsync();
        await _controllers.DisposeAsync();
        _client.Dispose();
    }
}
