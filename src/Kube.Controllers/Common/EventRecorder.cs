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
public sealed class EventRecorder(IKubeWriter client, TimeProvider time, Random random, string component)
{
    // Beyond this many pieces of news the oldest are forgotten, and start a new Event when they recur.
    private const int RememberedMax = 4096;
    private const int MessageLengthMax = 1024;

    private readonly Dictionary<(string Uid, string Reason, string Message), (string Name, int Count)> _written = [];
    private readonly Queue<(string Uid, string Reason, string Message)> _order = new();

    /// <param name="type">Normal or Warning.</param>
    public async Task RecordAsync(KubeObject about, string type, string reason, string message, CancellationToken cancellation)
    {
        if (message.Length > MessageLengthMax) message = message[..(MessageLengthMax - 3)] + "...";
        var key = (about.Meta.Uid, reason, message);
        try
        {
            if (_written.TryGetValue(key, out var earlier) && await CountAsync(about, earlier.Name, earlier.Count + 1, cancellation))
            {
                _written[key] = (earlier.Name, earlier.Count + 1);
                return;
            }

            var name = $"{about.Meta.Name}.{random.NextInt64().ToString("x16", CultureInfo.InvariantCulture)}";
            await client.CreateAsync(Kinds.Event, Compose(about, name, type, reason, message), cancellation);
            Remember(key, name);
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or IOException)
        {
            // Dropped: whoever reads Events may miss one, and the object's own status tells what matters.
        }
    }

    private void Remember((string, string, string) key, string name)
    {
        if (_written.TryAdd(key, (name, 1))) _order.Enqueue(key);
        else _written[key] = (name, 1);
        if (_order.Count > RememberedMax) _written.Remove(_order.Dequeue());
    }

    /// <summary>False when the Event is gone: servers keep Events for an hour.</summary>
    private async Task<bool> CountAsync(KubeObject about, string name, int count, CancellationToken cancellation)
    {
        try
        {
            var patch = new JsonObject { ["count"] = count, ["lastTimestamp"] = KubeTime.Format(time.GetUtcNow()) };
            await client.PatchAsync(Kinds.Event, NamespaceOf(about), name, Patch.Merge(patch), null, cancellation);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    private KubeObject Compose(KubeObject about, string name, string type, string reason, string message)
    {
        var now = KubeTime.Format(time.GetUtcNow());
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
            ["source"] = new JsonObject { ["component"] = component },
            ["reportingComponent"] = component,
            ["reportingInstance"] = "",
            ["firstTimestamp"] = now,
            ["lastTimestamp"] = now,
            ["count"] = 1,
        });
    }

    // Events about cluster-scoped objects live in the namespace default.
    private static string NamespaceOf(KubeObject about) => about.Meta.Namespace.Length > 0 ? about.Meta.Namespace : "default";
}
