namespace Kube.Client;

/// <summary>
/// A component that makes progress in steps. It has no thread and no timer of its own: in a program
/// <see cref="LoopRunner"/> drives it, in a simulation the simulator picks whose step comes next, and with the in-process
/// API server every step then completes synchronously.
/// </summary>
public interface ILoop
{
    /// <summary>For logs and simulation traces, such as <c>reflector/pods</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Does at most one unit of work. Awaits only I/O that it starts itself, never the arrival of something to do.
    /// A failure of one unit is the component's own affair (back off, report, go on): what is thrown from here ends the loop.
    /// </summary>
    /// <returns>False when there was nothing to do.</returns>
    ValueTask<bool> StepAsync(CancellationToken cancellation);

    /// <summary>Completes when a step may find something to do: a signal came or a due time passed. May complete too early.</summary>
    ValueTask WaitAsync(CancellationToken cancellation);
}

/// <summary>A loop that can say when time alone gives it something to do, so that a simulation need not wait for it to find out.</summary>
public interface ITimedLoop : ILoop
{
    /// <summary>When a step may find something to do though nothing has arrived. Null: never. The past: now.</summary>
    DateTimeOffset? NextDue { get; }
}

/// <summary>Drives loops in a program: step while there is work, wait when there is none.</summary>
public static class LoopRunner
{
    public static async Task RunAsync(ILoop loop, CancellationToken cancellation)
    {
        // Yield first, so that starting many loops in a row does not run their first steps one after the other.
        await Task.Yield();
        while (!cancellation.IsCancellationRequested)
        {
            if (!await loop.StepAsync(cancellation)) await loop.WaitAsync(cancellation);
        }
    }
}
