using Kube.Client;

namespace Mpi.LocalCluster;

/// <summary>
/// Drives loops in this program until it is disposed. A loop that fails ends the whole cluster: half a control plane
/// would leave jobs waiting without a reason. <see cref="Failure"/> then says which loop and why.
/// </summary>
public sealed class LoopHost : IAsyncDisposable
{
    private static readonly TimeSpan ShutdownLimit = TimeSpan.FromSeconds(5);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<LoopFailure> _failure = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> _running = [];

    /// <summary>Completes only if a loop fails.</summary>
    public Task<LoopFailure> Failure => _failure.Task;

    public void Start(IEnumerable<ILoop> loops)
    {
        foreach (var loop in loops) _running.Add(DriveAsync(loop));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAny(Task.WhenAll(_running), Task.Delay(ShutdownLimit, CancellationToken.None));
        _stop.Dispose();
    }

    private async Task DriveAsync(ILoop loop)
    {
        try
        {
            await LoopRunner.RunAsync(loop, _stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Shutting down.
        }
        catch (Exception e)
        {
            _failure.TrySetResult(new LoopFailure(loop.Name, e));
        }
    }
}

public sealed record LoopFailure(string Loop, Exception Cause);
