using Kube.Types;

namespace Kube.Client;

/// <summary>What working on one key came to.</summary>
public abstract record Outcome
{
    private Outcome() { }

    /// <summary>Nothing more to do until something changes.</summary>
    public static readonly Outcome Done = new Settled();

    /// <summary>The key is settled.</summary>
    public sealed record Settled : Outcome;

    /// <summary>The key is settled for now and wants another look after a time: a deadline, say. No failure.</summary>
    public sealed record Requeue(TimeSpan After) : Outcome;

    /// <summary>The work failed and is tried again after a wait that grows.</summary>
    public sealed record Failed(Exception Cause) : Outcome;
}

/// <summary>A loop that works on keys.</summary>
public interface IKeyedLoop : ITimedLoop
{
    /// <inheritdoc cref="WorkQueue{TKey}.KeyCount"/>
    int KeyCount { get; }
}

/// <summary>
/// Works on the keys of a queue one at a time: takes one, hands it to the reconciler, and does with it what came out. What one key throws
/// slows that key alone. In a program, N of these on one queue work on N keys at a time; in a simulation there is one.
/// </summary>
/// <param name="name">For logs and traces.</param>
/// <param name="reconcile">Looks at the world and acts; the key says where to look and nothing more.</param>
/// <param name="sources">Caches that must have been filled once before any key is worked on.</param>
/// <param name="onFailure">Told of every failure with the wait that follows. Conflicts with newer state are none: they are the normal way of learning of it.</param>
public sealed class ControllerLoop<TKey>(
    string name,
    WorkQueue<TKey> queue,
    Func<TKey, CancellationToken, ValueTask<Outcome>> reconcile,
    IReadOnlyList<IReflector> sources,
    Action<TKey, Exception, TimeSpan>? onFailure = null) : IKeyedLoop where TKey : notnull
{
    public string Name => name;

    public int KeyCount => queue.KeyCount;

    public DateTimeOffset? NextDue => Synced() ? queue.NextDue : null;

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        if (!Synced() || !queue.TryTake(out var key)) return false;
        try
        {
            Settle(key, await AttemptAsync(key, cancellation));
        }
        finally
        {
            queue.Done(key);
        }

        return true;
    }

    public ValueTask WaitAsync(CancellationToken cancellation)
    {
        foreach (var source in sources)
        {
            if (!source.HasSynced) return source.WaitForSyncAsync(cancellation);
        }

        return queue.WaitAsync(cancellation);
    }

    private bool Synced()
    {
        foreach (var source in sources)
        {
            if (!source.HasSynced) return false;
        }

        return true;
    }

    private async ValueTask<Outcome> AttemptAsync(TKey key, CancellationToken cancellation)
    {
        try
        {
            return await reconcile(key, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The program ends: the key goes back unworked, for whoever comes next.
            queue.Add(key);
            throw;
        }
        catch (Exception fault)
        {
            return new Outcome.Failed(fault);
        }
    }

    private void Settle(TKey key, Outcome outcome)
    {
        switch (outcome)
        {
            case Outcome.Settled:
                queue.Forget(key);
                break;
            case Outcome.Requeue requeue:
                queue.Forget(key);
                queue.AddAfter(key, requeue.After);
                break;
            case Outcome.Failed { Cause: var cause }:
                var api = cause as ApiException;
                var wait = queue.Retry(key, api?.Status.RetryAfter);
                if (api?.Responsibility != Responsibility.Replan) onFailure?.Invoke(key, cause, wait);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
}
