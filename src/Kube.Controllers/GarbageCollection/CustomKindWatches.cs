using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Watches every custom kind for the garbage collector: one reflector each, begun when the kind is served and ended with
/// it. One loop for all of them, because a program cannot know their number beforehand.
/// </summary>
internal sealed class CustomKindWatches : ITimedLoop
{
    private readonly Lock _gate = new();
    private readonly Signal _changed;
    private readonly Queue<Reflector<ObjectMeta>> _ended = new();
    private ImmutableSortedDictionary<string, Watched> _watched = ImmutableSortedDictionary.Create<string, Watched>(StringComparer.Ordinal);
    private int _next;

    private sealed record Watched(Reflector<ObjectMeta> Reflector, Store<ObjectMeta> Store, IDisposable Following);

    public CustomKindWatches(ClusterCaches caches, ServedKinds kinds, GarbageCollector collector, TimeProvider time)
    {
        _changed = new Signal(time);
        kinds.Subscribe((kind, isServed) =>
        {
            lock (_gate)
            {
                var name = $"{kind.Plural}.{kind.Group}";
                if (_watched.TryGetValue(name, out var before))
                {
                    before.Following.Dispose();
                    _watched = _watched.Remove(name);
                    _ended.Enqueue(before.Reflector);
                }

                if (isServed)
                {
                    var cache = caches.Unlisted(kind, static o => o.Meta);
                    _watched = _watched.SetItem(name, new Watched(cache.Reflector, cache.Store, collector.Follow(cache.Store, static m => m, kind)));
                }
            }

            _changed.Raise();
        });
    }

    public string Name => "reflector/custom-kinds";

    public DateTimeOffset? NextDue => _watched.Values.Min(static w => w.Reflector.NextDue);

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        Reflector<ObjectMeta>? ended = null;
        lock (_gate) _ended.TryDequeue(out ended);
        if (ended is not null)
        {
            await ended.DisposeAsync();
            return true;
        }

        // In turn, so that a busy kind does not starve the others.
        var watched = _watched;
        for (var i = 0; i < watched.Count; i++)
        {
            var at = _next++ % watched.Count;
            if (await watched.Values.ElementAt(at).Reflector.StepAsync(cancellation)) return true;
        }

        return false;
    }

    public async ValueTask WaitAsync(CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] waits = [_changed.WaitAsync(null, ended.Token).AsTask(), .. _watched.Values.Select(w => w.Reflector.WaitAsync(ended.Token).AsTask())];
        await Task.WhenAny(waits);
        await ended.CancelAsync();
        cancellation.ThrowIfCancellationRequested();
    }
}
