using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Watches custom kinds: one reflector each, begun when the kind is served and ended with it. One loop for all of them,
/// because a program cannot know their number beforehand.
/// </summary>
internal sealed class CustomKindWatches<T> : ITimedLoop where T : class
{
    private readonly Lock _gate = new();
    private readonly Signal _changed;
    private readonly Queue<Reflector<T>> _ended = new();
    private ImmutableSortedDictionary<string, Watched> _watched = ImmutableSortedDictionary.Create<string, Watched>(StringComparer.Ordinal);
    private int _next;

    private sealed record Watched(Reflector<T> Reflector, Store<T> Store, IDisposable? Following);

    /// <param name="attach">Called with the store of each kind that is served from now on; what it returns is disposed when the kind is not any more.</param>
    public CustomKindWatches(
        string name, ClusterCaches caches, ServedKinds kinds, Func<KubeObject, T> project, Func<ResourceKind, Store<T>, IDisposable?> attach, TimeProvider time, Func<ResourceKind, bool>? wanted = null)
    {
        Name = name;
        _changed = new Signal(time);
        kinds.Subscribe((kind, isServed) =>
        {
            if (wanted is not null && !wanted(kind)) return;
            lock (_gate)
            {
                var name = $"{kind.Plural}.{kind.Group}";
                if (_watched.TryGetValue(name, out var before))
                {
                    before.Following?.Dispose();
                    _watched = _watched.Remove(name);
                    _ended.Enqueue(before.Reflector);
                }

                if (isServed)
                {
                    var cache = caches.Unlisted(kind, ns: null, project);
                    _watched = _watched.SetItem(name, new Watched(cache.Reflector, cache.Store, attach(kind, cache.Store)));
                }
            }

            _changed.Raise();
        });
    }

    public string Name { get; }

    public DateTimeOffset? NextDue => _watched.Values.Min(static w => w.Reflector.NextDue);

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        Reflector<T>? ended = null;
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
