using System.Collections.Immutable;
using System.Diagnostics;
using Kube.Types;

namespace Kube.Client;

/// <summary>A cache's filling, as those see it who must wait for it.</summary>
public interface IReflector : ITimedLoop, IAsyncDisposable
{
    /// <summary>Whether the cache was filled once. It stays true: a later reconnect leaves the cache as it was until it is caught up.</summary>
    bool HasSynced { get; }

    /// <summary>Completes when <see cref="HasSynced"/> is true.</summary>
    ValueTask WaitForSyncAsync(CancellationToken cancellation);

    /// <summary>The resourceVersion up to which changes were taken in; null before the first list.</summary>
    string? SeenUpTo { get; }

    /// <summary>Lists anew at the next step, for one who has met proof that the cache is wrong. Not more often than <see cref="ReflectorOptions.RelistPause"/>.</summary>
    void Relist();
}

/// <param name="LabelSelector">Only these objects.</param>
/// <param name="FieldSelector">Only these objects.</param>
public sealed record ReflectorOptions(string LabelSelector = "", string FieldSelector = "")
{
    /// <summary>Objects a page of a list.</summary>
    public int PageSize { get; init; } = 500;

    /// <summary>The server is asked to end a watch after a time between this and its double, so that watches do not all begin anew at once.</summary>
    public TimeSpan WatchTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A watch on which nothing arrives for so long is taken for dead. Servers send a bookmark each minute.</summary>
    public TimeSpan IdleLimit { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>
    /// A list is made anew after a time between this and its double, though every watch was sound: the answer to an event that was
    /// lost on the way, which nothing else would ever show.
    /// </summary>
    public TimeSpan RelistAfter { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The least time between two lists that were asked for.</summary>
    public TimeSpan RelistPause { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// For a kind that the cluster may not serve: how soon to look again when the list is answered with 404, or with 403 by a server that
    /// does not know the kind either. Until then the cache is empty and synced. Null: the kind must exist.
    /// </summary>
    public TimeSpan? AbsentPause { get; init; }

    public Backoff Backoff { get; init; } = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30));

    /// <summary>Told of each failure with the wait that follows, and of each object that had to be set aside (with none).</summary>
    public Action<string, TimeSpan?>? OnFailure { get; init; }
}

/// <summary>What a reflector is about to do.</summary>
public abstract record ReflectorState
{
    private ReflectorState() { }

    /// <summary>Asks for a page of the list. Nothing is swapped in before the last page is here.</summary>
    /// <param name="Continue">Leads to the page; empty for the first.</param>
    /// <param name="Whole">Asks for all objects in one page: the way out when page tokens keep expiring.</param>
    public sealed record Listing(string Continue, bool Whole) : ReflectorState;

    /// <summary>Opens a watch for what comes after this version.</summary>
    public sealed record Connecting(string ResourceVersion) : ReflectorState;

    /// <summary>Takes what the watch brings.</summary>
    public sealed record Watching(IWatch Watch, DateTimeOffset Opened, DateTimeOffset LastArrival) : ReflectorState;

    /// <summary>Waits after a failure, then goes on as <paramref name="Next"/>.</summary>
    public sealed record Waiting(DateTimeOffset Until, ReflectorState Next) : ReflectorState;
}

/// <summary>
/// Keeps a <see cref="Store{T}"/> equal to what the server holds: lists in pages, then watches; after a broken or idle watch it connects anew where it
/// stood, after 410 Gone it lists anew. No failure ends it; each is waited out and reported. A step asks for one page, opens one watch, or
/// takes one event.
/// </summary>
public sealed class Reflector<T>(
    IKubeReader client, ResourceKind kind, string? ns, Store<T> store, ReflectorOptions options, TimeProvider time, Random random) : IReflector, IKindWatch
    where T : class
{
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _served = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<StoredObject<T>> _listed = [];
    private readonly Signal _relistAsked = new(time);
    private string _version = "";
    private volatile bool _relist;
    private DateTimeOffset _listedAt;
    private DateTimeOffset _relistAt;
    private int _failures;
    private bool _wasGone;

    public string Name { get; } = $"reflector/{kind.Plural}{(ns is null ? "" : $"/{ns}")}";

    public ReflectorState State { get; private set; } = new ReflectorState.Listing("", Whole: false);

    public bool HasSynced => _synced.Task.IsCompleted;

    public bool WasServed => _served.Task.IsCompleted;

    /// <summary>Whether the server knew the kind when it was last asked; false before the first list.</summary>
    public bool IsServed { get; private set; }

    // The snapshot's own, so that whoever an event woke finds the event's version beside its object.
    public string? SeenUpTo => HasSynced ? store.Snapshot.SeenUpTo : null;

    public void Relist()
    {
        _relist = true;
        _relistAsked.Raise();
    }

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        try
        {
            if (RelistDue)
            {
                if (State is ReflectorState.Watching open) await open.Watch.DisposeAsync();
                State = new ReflectorState.Listing("", Whole: false);
            }

            switch (State)
            {
                case ReflectorState.Listing listing:
                    await ListAsync(listing, cancellation);
                    return true;
                case ReflectorState.Connecting connecting:
                    await ConnectAsync(connecting, cancellation);
                    return true;
                case ReflectorState.Watching watching:
                    return await TakeAsync(watching);
                case ReflectorState.Waiting waiting:
                    if (waiting.Until > time.GetUtcNow()) return false;
                    State = waiting.Next;
                    return true;
                default:
                    throw new UnreachableException();
            }
        }
        catch (Exception fault) when (!(fault is OperationCanceledException && cancellation.IsCancellationRequested))
        {
            await FailAsync(fault);
            return true;
        }
    }

    /// <summary>Only a reflector that is well lists anew: one that waits out a failure goes on where it stood first.</summary>
    private bool RelistDue => State is ReflectorState.Watching && time.GetUtcNow() >= NextRelist;

    private DateTimeOffset NextRelist => _relist && _listedAt + options.RelistPause < _relistAt ? _listedAt + options.RelistPause : _relistAt;

    public DateTimeOffset? NextDue => State switch
    {
        ReflectorState.Waiting waiting => waiting.Until,
        ReflectorState.Watching watching => Idle(watching),
        _ => time.GetUtcNow(),
    };

    private DateTimeOffset Idle(ReflectorState.Watching watching)
    {
        var idle = watching.LastArrival + options.IdleLimit;
        return NextRelist < idle ? NextRelist : idle;
    }

    public async ValueTask WaitAsync(CancellationToken cancellation)
    {
        switch (State)
        {
            case ReflectorState.Waiting waiting:
                await DueTime.WaitAsync(waiting.Until, time, cancellation);
                break;
            case ReflectorState.Watching watching:
                await ArrivalOrIdleLimitAsync(watching, cancellation);
                break;
        }
    }

    public ValueTask WaitForSyncAsync(CancellationToken cancellation) => new(_synced.Task.WaitAsync(cancellation));

    public ValueTask WaitUntilServedAsync(CancellationToken cancellation) => new(_served.Task.WaitAsync(cancellation));

    public ValueTask DisposeAsync() => State is ReflectorState.Watching watching ? watching.Watch.DisposeAsync() : ValueTask.CompletedTask;

    private async Task ListAsync(ReflectorState.Listing listing, CancellationToken cancellation)
    {
        if (listing.Continue.Length == 0) _listed.Clear();
        var page = await client.ListAsync(
            kind, ns, new ListOptions(options.LabelSelector, options.FieldSelector, listing.Whole ? 0 : options.PageSize, listing.Continue), cancellation);
        foreach (var bad in page.Malformed) options.OnFailure?.Invoke($"set aside: {bad}", null);
        foreach (var obj in page.Items)
        {
            if (TryProject(obj, out var stored) && stored is { } kept) _listed.Add(kept);
        }

        if (page.Continue.Length > 0)
        {
            State = listing with { Continue = page.Continue };
            return;
        }

        IsServed = true;
        store.Replace(_listed, page.ResourceVersion);
        _listed.Clear();
        _listed.TrimExcess();
        _version = page.ResourceVersion;
        _relist = false;
        _listedAt = time.GetUtcNow();
        _relistAt = _listedAt + (options.RelistAfter * (1 + random.NextDouble()));
        State = new ReflectorState.Connecting(page.ResourceVersion);
        _served.TrySetResult();
        _synced.TrySetResult();
    }

    private async Task ConnectAsync(ReflectorState.Connecting connecting, CancellationToken cancellation)
    {
        var timeout = options.WatchTimeout * (1 + random.NextDouble());
        var watch = await client.WatchAsync(
            kind, ns, new WatchOptions(connecting.ResourceVersion, options.LabelSelector, options.FieldSelector, timeout), cancellation);
        State = new ReflectorState.Watching(watch, time.GetUtcNow(), time.GetUtcNow());
    }

    private async ValueTask<bool> TakeAsync(ReflectorState.Watching watching)
    {
        if (watching.Watch.TryRead(out var change))
        {
            State = watching with { LastArrival = time.GetUtcNow() };
            _failures = 0;
            _wasGone = false;
            Apply(change);
            return true;
        }

        if (watching.Watch.Ended)
        {
            if (watching.Watch.Failure is { } failure) throw new HttpRequestException($"the watch broke off: {failure.Message}", failure);
            // Closed by the server, as it was asked to. One that ends as soon as it begins must not be opened in a circle.
            if (time.GetUtcNow() - watching.Opened < options.Backoff.First) throw new HttpRequestException("the watch ended as soon as it began");
            await watching.Watch.DisposeAsync();
            State = new ReflectorState.Connecting(_version);
            return true;
        }

        if (time.GetUtcNow() - watching.LastArrival < options.IdleLimit) return false;
        throw new HttpRequestException($"the watch brought nothing for {options.IdleLimit.TotalSeconds} s");
    }

    private void Apply(WatchEvent change)
    {
        if (change.Malformed is { } fault) options.OnFailure?.Invoke($"set aside: {change.Object}: {fault}", null);
        else if (change.Type == WatchEventType.Deleted) store.Remove(change.Object.Meta.Key, change.Object.Meta.ResourceVersion);
        else if (change.Type != WatchEventType.Bookmark && TryProject(change.Object, out var stored))
        {
            if (stored is { } kept) store.Put(kept);
            else store.Remove(change.Object.Meta.Key, change.Object.Meta.ResourceVersion);
        }
        else if (change.Object.Meta.ResourceVersion.Length > 0)
        {
            store.Advance(change.Object.Meta.ResourceVersion);
        }

        if (change.Object.Meta.ResourceVersion is { Length: > 0 } version) _version = version;
    }

    /// <summary>An object that the projection cannot take is set aside: what the store held of it stays.</summary>
    private bool TryProject(KubeObject obj, out StoredObject<T>? stored)
    {
        try
        {
            stored = store.Project(obj);
            return true;
        }
        catch (Exception fault)
        {
            options.OnFailure?.Invoke($"set aside: {obj}: {fault.Message}", null);
            stored = null;
            return false;
        }
    }

    private async ValueTask FailAsync(Exception fault)
    {
        if (State is ReflectorState.Watching watching)
        {
            // What held for so long was no part of the trouble before it.
            if (time.GetUtcNow() - watching.Opened > options.Backoff.Max)
            {
                _failures = 0;
                _wasGone = false;
            }

            await watching.Watch.DisposeAsync();
        }

        if (options.AbsentPause is { } pause && State is ReflectorState.Listing && fault is ApiException { Status.Code: 404 or 403 })
        {
            IsServed = false;
            store.Replace([], "");
            State = new ReflectorState.Waiting(time.GetUtcNow() + pause, new ReflectorState.Listing("", Whole: false));
            _synced.TrySetResult();
            return;
        }

        var gone = fault is ApiException { IsGone: true };
        ReflectorState next = (State, gone) switch
        {
            // Pages expire after minutes; the second attempt asks for everything at once.
            (ReflectorState.Listing { Continue.Length: > 0 }, true) => new ReflectorState.Listing("", Whole: true),
            (ReflectorState.Listing listing, _) => new ReflectorState.Listing("", listing.Whole),
            (_, true) => new ReflectorState.Listing("", Whole: false),
            _ => new ReflectorState.Connecting(_version),
        };

        // 410 is how a watch learns that it was away for too long: no failure, unless it comes again with nothing between.
        if (gone && !_wasGone)
        {
            _wasGone = true;
            State = next;
            return;
        }

        var wait = options.Backoff.After(++_failures, random);
        if (fault is ApiException { Status.RetryAfter: { } asked } && asked > wait) wait = asked;
        State = new ReflectorState.Waiting(time.GetUtcNow() + wait, next);
        options.OnFailure?.Invoke(fault.Message, wait);
    }

    private async ValueTask ArrivalOrIdleLimitAsync(ReflectorState.Watching watching, CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var arrival = watching.Watch.WaitAsync(ended.Token).AsTask();
        if (!arrival.IsCompleted) await Task.WhenAny(arrival, _relistAsked.WaitAsync(Idle(watching), ended.Token).AsTask());
        await ended.CancelAsync();
        cancellation.ThrowIfCancellationRequested();
    }
}
