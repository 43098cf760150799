using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Writes Events about objects under a component's name, as <c>kubectl describe</c> shows them. The same news about the
/// same object again raises the count of the Event that is there. Nothing depends on an Event: one that cannot be written
/// is dropped.
/// </summary>
internal sealed class EventRecorder
{
    // What is told of more objects, or more of one, begins a new Event when it recurs.
    private const int ObjectsMax = 1024;
    private const int NewsMax = 64;
    private const int MessageLengthMax = 1024;

    private readonly Lock _gate = new();
    private readonly IKubeWriter _client;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly string _component;

    // The Events there are, by the UID of whom they are about. They are forgotten with it.
    private readonly OrderedDictionary<string, Dictionary<(string Reason, string Message), (string Name, int Count)>> _written = new(StringComparer.Ordinal);

    public EventRecorder(ClusterCaches caches, IKubeWriter client, TimeProvider time, Random random, string component)
    {
        (_client, _time, _random, _component) = (client, time, random, component);
        caches.Remembered.Add("events", () =>
        {
            lock (_gate) return _written.Count;
        });
        caches.OnDeleted(uid =>
        {
            lock (_gate) _written.Remove(uid);
        });
    }

    /// <param name="type">Normal or Warning.</param>
    public async Task RecordAsync(KubeObject about, string type, string reason, string message, CancellationToken cancellation)
    {
        if (message.Length > MessageLengthMax) message = message[..(MessageLengthMax - 3)] + "...";
        var news = (reason, message);
        try
        {
            if (Find(about.Meta.Uid, news) is { } earlier && await CountAsync(about, earlier.Name, earlier.Count + 1, cancellation))
            {
                Remember(about.Meta.Uid, news, earlier.Name, earlier.Count + 1);
                return;
            }

            var name = $"{about.Meta.Name}.{_random.NextInt64().ToString("x16", CultureInfo.InvariantCulture)}";
            await _client.CreateAsync(Kinds.Event, Compose(about, name, type, reason, message), cancellation);
            Remember(about.Meta.Uid, news, name, 1);
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or IOException)
        {
            // Dropped: whoever reads Events may miss one, and the object's own status tells what matters.
        }
    }

    private (string Name, int Count)? Find(string uid, (string, string) news)
    {
        lock (_gate) return _written.TryGetValue(uid, out var told) && told.TryGetValue(news, out var earlier) ? earlier : null;
    }

    private void Remember(string uid, (string, string) news, string name, int count)
    {
        lock (_gate)
        {
            if (!_written.TryGetValue(uid, out var told)) _written.Add(uid, told = []);
            if (told.Count == NewsMax) told.Clear();
            told[news] = (name, count);
            if (_written.Count > ObjectsMax) _written.RemoveAt(0);
        }
    }

    /// <summary>False when the Event is gone: servers keep Events for an hour.</summary>
    private async Task<bool> CountAsync(KubeObject about, string name, int count, CancellationToken cancellation)
    {
        try
        {
            var patch = new JsonObject { ["count"] = count, ["lastTimestamp"] = KubeTime.Format(_time.GetUtcNow()) };
            await _client.PatchAsync(Kinds.Event, NamespaceOf(about), name, Patch.Merge(patch), null, cancellation);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    private KubeObject Compose(KubeObject about, string name, string type, string reason, string message)
    {
        var now = KubeTime.Format(_time.GetUtcNow());
        var involved = new JsonObject { ["apiVersion"] = about.ApiVersion, ["kind"] = about.Kind, ["name"] = about.Meta.Name, ["uid"] = about.Meta.Uid };
        if (about.Meta.Namespace.Length > 0) involved["namespace"] = about.Meta.Namespace;
        involved["resourceVersion"] = about.Meta.ResourceVersion;
        return KubeObject.From(new JsonObject
        {
            ["apiVersion"] = Kinds.Event.ApiVersion,
            ["kind"] = Kinds.Event.Kind,
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = NamespaceOf(about) },
            ["involvedObject"] = involved,
            ["type"] = type,
            ["reason"] = reason,
            ["message"] = message,
            ["source"] = new JsonObject { ["component"] = _component },
            ["reportingComponent"] = _component,
            ["reportingInstance"] = "",
            ["firstTimestamp"] = now,
            ["lastTimestamp"] = now,
            ["count"] = 1,
        });
    }

    // Events about cluster-scoped objects live in the namespace default.
    private static string NamespaceOf(KubeObject about) => about.Meta.Namespace.Length > 0 ? about.Meta.Namespace : "default";
}
