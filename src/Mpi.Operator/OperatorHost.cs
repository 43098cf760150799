using Kube.Client;

namespace Mpi.Operator;

public enum OperatorExit
{
    /// <summary>It was asked to end: work under way was finished and the lease given back.</summary>
    Stopped,

    /// <summary>Another operator may lead by now. The process ends, and starts anew with empty memory.</summary>
    LeadershipLost,
}

/// <summary>Runs an operator in a program.</summary>
public static class OperatorHost
{
    /// <summary>How long work under way may take after the stop: within the term in which it may write at all.</summary>
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(5);

    /// <summary>How long giving back the lease may take.</summary>
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(3);

    /// <summary>Runs until it is stopped or loses the lease. The process is the caller's to dispose.</summary>
    /// <param name="stop">The first signal: finish what is under way and begin nothing.</param>
    public static async Task<OperatorExit> RunAsync(OperatorProcess process, TimeProvider time, CancellationToken stop)
    {
        // Workers are stopped by one signal and cancelled by another, a while later. The lease is held until they are done.
        using var stopWork = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var cancelWork = new CancellationTokenSource();
        using var stopRest = new CancellationTokenSource();

        var work = Task.WhenAll(process.Workers.Select(loop => DriveAsync(loop, stopWork.Token, cancelWork.Token)));
        var rest = Task.WhenAll(process.Watchers.Concat(process.Elector is { } elector ? [elector] : []).Select(loop => DriveAsync(loop, stopRest.Token, stopRest.Token)));
        var lost = process.Elector?.Ended ?? Task.Delay(Timeout.InfiniteTimeSpan, time, stopRest.Token);

        // A loop that ends by itself is a bug of ours: its exception ends the program, which is started anew.
        await Task.WhenAny(work, rest, lost);
        var leads = !lost.IsCompletedSuccessfully;
        await stopWork.CancelAsync();
        if (leads) cancelWork.CancelAfter(DrainLimit);
        else await cancelWork.CancelAsync();
        try
        {
            await work;
        }
        finally
        {
            await stopRest.CancelAsync();
            if (leads && process.Elector is { } leader)
            {
                using var limit = new CancellationTokenSource(ReleaseLimit, time);
                await leader.ReleaseAsync(limit.Token);
            }
        }

        await rest;
        return leads ? OperatorExit.Stopped : OperatorExit.LeadershipLost;
    }

    private static async Task DriveAsync(ILoop loop, CancellationToken stop, CancellationToken cancel)
    {
        await Task.Yield();
        try
        {
            while (!stop.IsCancellationRequested)
            {
                if (!await loop.StepAsync(cancel)) await loop.WaitAsync(stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || cancel.IsCancellationRequested)
        {
            // The end that was asked for.
        }
    }
}
