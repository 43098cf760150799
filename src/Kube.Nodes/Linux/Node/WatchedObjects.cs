using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>
/// The objects of one kind as last seen, kept by list and watch. The node needs whole objects (a ConfigMap's data), of few
/// kinds, and only by name.
/// </summary>
internal sealed class WatchedObjects(IKubeClient client, ResourceKind kind, string fieldSelector, TimeProvider time, Action<ObjectKey, KubeObject?> changed, Action<string> report) : ILoop, IAsyncDisposable
{
    private static readonly TimeSpan RetryFirst = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RetryLongest = TimeSpan.FromSeconds(10);

    /// <summary>Replaced whole: a container's start may read it beside the loop.</summary>
    private ImmutableDictionary<ObjectKey, KubeObject> _objects = ImmutableDictionary<ObjectKey, KubeObject>.Empty;
    private IWatch? _watch;
    private string? _version;
    private DateTimeOffset? _retryAt;
    private TimeSpan _retry = RetryFirst;

    public string Name => $"node-watch/{kind.Plural}";

    public bool Synced { get; private set; }

    public IEnumerable<KubeObject> All => _objects.Values;

    public KubeObject? Find(ObjectKey key) => _objects.GetValueOrDefault(key);

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        if (_retryAt is { } at && at > time.GetUtcNow()) return false;
        _retryAt = null;
        try
        {
            if (_version is null)
            {
                await ListAsync(cancellation);
                return true;
            }

            if (_watch is null)
            {
                _watch = await client.WatchAsync(kind, null, new WatchOptions(_version, FieldSelector: fieldSelector), cancellation);
                _retry = RetryFirst;
                return true;
            }

            if (_watch.TryRead(out var change))
            {
                Take(change);
                return true;
            }

            if (!_watch.Ended) return false;
            await CloseAsync();
            return true;
        }
        catch (ApiException refused)
        {
            // Gone: the server has forgotten what lies between; look at everything anew.
            if (refused.IsGone) _version = null;
            await FailAsync(refused);
            return true;
        }
        catch (HttpRequestException away)
        {
            await FailAsync(away);
            return true;
        }
        catch (IOException broken)
        {
            await FailAsync(broken);
            return true;
        }
    }

    public async ValueTask WaitAsync(CancellationToken cancellation)
    {
        if (_retryAt is { } at)
        {
            var left = at - time.GetUtcNow();
            if (left > TimeSpan.Zero) await Task.Delay(left, time, cancellation);
        }
        else if (_watch is not null)
        {
            await _watch.WaitAsync(cancellation);
        }
    }

    public ValueTask DisposeAsync() => CloseAsync();

    private async ValueTask ListAsync(CancellationToken cancellation)
    {
        var seen = new HashSet<ObjectKey>();
        var page = await client.ListAsync(kind, null, new ListOptions(FieldSelector: fieldSelector), cancellation);
        while (true)
        {
            foreach (var obj in page.Items)
            {
                seen.Add(obj.Meta.Key);
                Set(obj);
            }

            if (page.Continue.Length == 0) break;
            page = await client.ListAsync(kind, null, new ListOptions(FieldSelector: fieldSelector, Continue: page.Continue), cancellation);
        }

        foreach (var gone in _objects.Keys.Where(k => !seen.Contains(k)).ToList()) Remove(gone);
        _version = page.ResourceVersion;
        Synced = true;
    }

    private void Take(WatchEvent change)
    {
        _version = change.Object.Meta.ResourceVersion;
        if (change.Malformed is not null || change.Type == WatchEventType.Bookmark) return;
        if (change.Type == WatchEventType.Deleted) Remove(change.Object.Meta.Key);
        else Set(change.Object);
    }

    private void Set(KubeObject obj)
    {
        if (_objects.TryGetValue(obj.Meta.Key, out var known) && known.Meta.ResourceVersion == obj.Meta.ResourceVersion) return;
        _objects = _objects.SetItem(obj.Meta.Key, obj);
        changed(obj.Meta.Key, obj);
    }

    private void Remove(ObjectKey key)
    {
        if (!_objects.ContainsKey(key)) return;
        _objects = _objects.Remove(key);
        changed(key, null);
    }

    private async ValueTask FailAsync(Exception why)
    {
        report($"watching {kind.Plural}: {why.Message}");
        await CloseAsync();
        _retryAt = time.GetUtcNow() + _retry;
        _retry = _retry * 2 > RetryLongest ? RetryLongest : _retry * 2;
    }

    private async ValueTask CloseAsync()
    {
        if (_watch is { } watch)
        {
            _watch = null;
            await watch.DisposeAsync();
        }
    }
}
