using Kube.Testing;

namespace Mpi.Agent.Testing;

/// <summary>
/// Runs everything that is awaited in one thread, in an order drawn from a seed, and lets virtual time pass when nothing is left to do.
/// What continues on another thread would not follow from the seed: it is an error, wherever it is seen.
/// </summary>
internal sealed class OneThread(VirtualClock clock, Random random) : SynchronizationContext
{
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly List<(SynchronizationContext Of, SendOrPostCallback Continue, object? State)> _ready = [];
    private string? _escaped;

    /// <summary>To be called wherever time, network or programs are touched.</summary>
    public void Check()
    {
        if (Environment.CurrentManagedThreadId == _thread) return;
        _escaped ??= Environment.StackTrace;
        throw new InvalidOperationException("a continuation left the simulation's thread");
    }

    public override void Post(SendOrPostCallback d, object? state) => Post(this, d, state);

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    /// <summary>Begins a process, which may be killed.</summary>
    public OneProcess Start(Action main)
    {
        var process = new OneProcess(this);
        process.Post(static main => ((Action)main!)(), main);
        return process;
    }

    /// <summary>Runs until the task is over.</summary>
    /// <exception cref="TimeoutException">It is not within this much virtual time, or nothing more will ever happen.</exception>
    public void Run(Func<Task> start, TimeSpan atMost)
    {
        var before = Current;
        SetSynchronizationContext(this);
        Task task;
        try
        {
            task = start();
        }
        finally
        {
            SetSynchronizationContext(before);
        }

        var end = clock.GetUtcNow() + atMost;
        while (!task.IsCompleted)
        {
            if (RunOne()) continue;
            if (clock.NextDue > end) throw new TimeoutException($"not over after {atMost}");
            if (!clock.AdvanceToNextTimer() && _ready.Count == 0) throw new TimeoutException("nothing is left to happen");
        }

        ThrowIfEscaped();
        task.GetAwaiter().GetResult();
    }

    /// <summary>One of the things that can go on now. False when there is none.</summary>
    public bool RunOne()
    {
        ThrowIfEscaped();
        if (_ready.Count == 0) return false;
        var index = random.Next(_ready.Count);
        var (of, next, state) = _ready[index];
        _ready[index] = _ready[^1];
        _ready.RemoveAt(_ready.Count - 1);
        var before = Current;
        SetSynchronizationContext(of);
        try
        {
            next(state);
        }
        finally
        {
            SetSynchronizationContext(before);
        }

        return true;
    }

    private void ThrowIfEscaped()
    {
        if (_escaped is not null) throw new InvalidOperationException($"a continuation left the simulation's thread:\n{_escaped}");
    }

    internal void Post(SynchronizationContext of, SendOrPostCallback next, object? state)
    {
        Check();
        _ready.Add((of, next, state));
    }

    internal void Drop(SynchronizationContext of) => _ready.RemoveAll(one => one.Of == of);
}

/// <summary>What one process of a simulation awaits. Killed, it runs not one instruction more: no clean-up, no last words, as with SIGKILL or a node that is gone.</summary>
internal sealed class OneProcess(OneThread thread) : SynchronizationContext
{
    public bool IsKilled { get; private set; }

    public void Kill()
    {
        IsKilled = true;
        thread.Drop(this);
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (!IsKilled) thread.Post(this, d, state);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();
}
