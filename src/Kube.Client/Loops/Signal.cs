namespace Kube.Client;

/// <summary>
/// Wakes one waiting loop. A signal that is raised while nobody waits is kept until the next wait; several are one.
/// Timed waits take their time from the given provider, so that a simulation's clock drives them. Thread-safe.
/// </summary>
public sealed class Signal(TimeProvider time)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _waiter;
    private bool _raised;

    public void Raise()
    {
        TaskCompletionSource? waiter;
        lock (_gate)
        {
            _raised = true;
            waiter = _waiter;
            _waiter = null;
        }

        waiter?.TrySetResult();
    }

    /// <summary>Waits for a signal, or until the due time where there is one.</summary>
    public async ValueTask WaitAsync(DateTimeOffset? due, CancellationToken cancellation)
    {
        Task waiting;
        lock (_gate)
        {
            if (_raised)
            {
                _raised = false;
                return;
            }

            _waiter ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting = _waiter.Task;
        }

        if (due is { } at)
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            await Task.WhenAny(waiting, DueTime.WaitAsync(at, time, ended.Token));
            await ended.CancelAsync();
            cancellation.ThrowIfCancellationRequested();
        }
        else
        {
            await waiting.WaitAsync(cancellation);
        }

        lock (_gate) _raised = false;
    }
}
