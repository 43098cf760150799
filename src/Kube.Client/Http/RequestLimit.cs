namespace Kube.Client;

/// <summary>Ends one request when the caller cancels or its time is up. An infinite timeout makes no timer.</summary>
internal sealed class RequestLimit : IDisposable
{
    private readonly CancellationTokenSource? _timer;
    private readonly CancellationTokenSource? _linked;

    public RequestLimit(TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        Timeout = timeout;
        Token = cancellation;
        if (timeout == System.Threading.Timeout.InfiniteTimeSpan) return;
        _timer = new CancellationTokenSource(timeout, time);
        _linked = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, cancellation);
        Token = _linked.Token;
    }

    public TimeSpan Timeout { get; }

    public CancellationToken Token { get; }

    public bool Passed => _timer is { IsCancellationRequested: true };

    public void Dispose()
    {
        _linked?.Dispose();
        _timer?.Dispose();
    }
}
