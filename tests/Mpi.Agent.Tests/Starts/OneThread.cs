using Kube.Testing;

namespace Mpi.Agent.Tests;

/// <summary>
/// Runs everything that is awaited in one thread, in an order drawn from a seed, and lets virtual time pass when nothing is left to do.
/// What continues on another thread would not follow from the seed: it is an error, wherever it is seen.
/// </summary>
internal sealed class OneThread(VirtualClock clock, Random random) : SynchronizationContext
{
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly List<(SendOrPostCallback Continue, object? State)> _ready = [];
    private string? _escaped;

    /// <summary>To be called wherever time, network or programs are touched.</summary>
    public void Check()
    {
        if (Environment.CurrentManagedThreadId == _thread) return;
        _escaped ??= Environment.StackTrace;
        throw new InvalidOperationException("a continuation left the simulation's thread");
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        Check();
        _ready.Add((d, state));
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    /// <summary>Runs until the task is over.</summary>
    /// <exception cref="TimeoutException">It is not within this much virtual time, or nothing more will ever happen.</exception>
    public void Run(Func<Task> start, TimeSpan atMost)
    {
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            var end = clock.GetUtcNow() + atMost;
            var task = start();
            while (!task.IsCompleted)
            {
                if (_escaped is not null) break;
                if (RunOne()) continue;
                if (clock.NextDue > end) throw new TimeoutException($"not over after {atMost}");
                if (!clock.AdvanceToNextTimer() && _ready.Count == 0) throw new TimeoutException("nothing is left to happen");
            }

            if (_escaped is not null) throw new InvalidOperationException($"a continuation left the simulation's thread:\n{_escaped}");
            task.GetAwaiter().GetResult();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    private bool RunOne()
    {
        if (_ready.Count == 0) return false;
        var index = random.Next(_ready.Count);
        var (next, state) = _ready[index];
        _ready[index] = _ready[^1];
        _ready.RemoveAt(_ready.Count - 1);
        next(state);
        return true;
    }
}
