using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Takes old Events away, as kube-apiserver does (<c>--event-ttl</c>, one hour): nobody deletes them, and a cluster that keeps its state in
/// memory would grow with every run. A busy cluster keeps the most recent ones only.
/// </summary>
public sealed class EventExpiry : ITimedLoop, IAsyncDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(10);

    private readonly IKubeClient _client;
    private readonly EventExpiryOptions _options;
    private readonly TimeProvider _time;
    private readonly Store<EventAge> _store;
    private readonly Reflector<EventAge> _reflector;
    private readonly Signal _changed;
    private readonly Lock _gate = new();

    /// <summary>Writes of Events, the oldest first.</summary>
    private readonly Queue<Write> _writes = new();

    /// <param name="Version">Tells one write of an Event from the next: written again, it is as young as a new one.</param>
    private sealed record EventAge(string Uid, string Version);

    private readonly record struct Write(ObjectKey Key, EventAge Age, DateTimeOffset Due);

    public EventExpiry(IKubeClient client, EventExpiryOptions options, TimeProvider time, Random random)
    {
        (_client, _options, _time) = (client, options, time);
        _changed = new Signal(time);
        _store = new Store<EventAge>(static o => new EventAge(o.Meta.Uid, o.Meta.ResourceVersion));
        _reflector = new Reflector<EventAge>(client, Kinds.Event, ns: null, _store, new ReflectorOptions(), time, random);
        _store.Subscribe(change =>
        {
            // A list that is read again tells of writes that are known.
            if (change.New is not { } age || age == change.Old) return;
            lock (_gate) _writes.Enqueue(new Write(change.Key, age, _time.GetUtcNow() + _options.TimeToLive));
            _changed.Raise();
        });
        Loops = [_reflector, this];
    }

    public ImmutableArray<ILoop> Loops { get; }

    public string Name => "controller/event-expiry";

    public DateTimeOffset? NextDue
    {
        get
        {
            lock (_gate) return _writes.Count > _options.EventsMax ? _time.GetUtcNow() : _writes.TryPeek(out var oldest) ? oldest.Due : null;
        }
    }

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        if (NextDue is not { } due || due > _time.GetUtcNow()) return false;
        Write oldest;
        lock (_gate) oldest = _writes.Dequeue();
        if (_store.Find(oldest.Key) is not { } age || age != oldest.Age) return true;
        try
        {
            await _client.DeleteAsync(Kinds.Event, oldest.Key.Namespace, oldest.Key.Name, new DeleteOptions(age.Uid), cancellation);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone with its namespace, or another Event bears its name by now.
        }
        catch (Exception e) when (e is ApiException or HttpRequestException)
        {
            lock (_gate) _writes.Enqueue(oldest with { Due = _time.GetUtcNow() + Retry });
        }

        return true;
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => _changed.WaitAsync(NextDue, cancellation);

    public ValueTask DisposeAsync() => _reflector.DisposeAsync();
}

public sealed record EventExpiryOptions
{
    /// <summary>From the last time that an Event was written.</summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How many writes of Events are remembered; some 2 KB each.</summary>
    public int EventsMax { get; init; } = 4000;
}
