using System.Runtime.CompilerServices;

namespace Mpi.Agent.Roles;

/// <summary>
/// How the agent waits: what continues does so in the context where it began to wait. Some of .NET's own ways go by a thread of the pool
/// instead. To a process that is all the same; a simulation, which runs many of them in one thread, sees every step only so.
/// </summary>
internal static class Awaiting
{
    /// <summary>Waits for a task's end, whatever that is.</summary>
    public static ConfiguredTaskAwaitable WithoutThrowing(this Task task) => task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

    /// <summary>Waits for what a source of one waiter is given.</summary>
    public static async Task<T> OrCancelledAsync<T>(this TaskCompletionSource<T> source, CancellationToken cancellation)
    {
        await using var registration = cancellation.UnsafeRegister(static (state, token) => ((TaskCompletionSource<T>)state!).TrySetCanceled(token), source);
        return await source.Task;
    }

    /// <summary>
    /// A pause that ends no earlier than it should: timers of .NET count whole milliseconds and cut off the rest, so that whoever waits for an
    /// instant would wake before it, look, and wait for nothing, again and again until it has come.
    /// </summary>
    public static TimeSpan InFull(this TimeSpan pause) => pause > TimeSpan.Zero ? TimeSpan.FromMilliseconds(Math.Ceiling(pause.TotalMilliseconds)) : TimeSpan.Zero;

    /// <summary>Cancels, and tells those who wait from here rather than from a thread of the pool.</summary>
    public static void End(this CancellationTokenSource source) => source.Cancel();
}
