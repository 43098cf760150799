using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>
/// Writes Events about pods. They are for people and may be lost: a write that fails is dropped, and when too many wait, the
/// oldest go. The same event again raises the count of the first.
/// </summary>
internal sealed class NodeEvents(IKubeClient client, string nodeName, TimeProvider time) : ILoop
{
    private const int WaitingAtMost = 1000;
    private const int RememberedAtMost = 1000;

    private readonly Lock _gate = new();
    private readonly Queue<PodEvent> _waiting = new();
    private readonly Dictionary<PodEvent, (string Name, int Count)> _written = [];
    private readonly Signal _signal = new(time);
    private int _number;

    public string Name => "node-events";

    private sealed record PodEvent(string Namespace, string Pod, string Uid, string FieldPath, string Type, string Reason, string Message);

    public void Record(ObjectMeta pod, string fieldPath, string type, string reason, string message)
    {
        lock (_gate)
        {
            if (_waiting.Count == WaitingAtMost) _waiting.Dequeue();
            _waiting.Enqueue(new PodEvent(pod.Namespace, pod.Name, pod.Uid, fieldPath, type, reason, message));
        }

        _signal.Raise();
    }

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        PodEvent? next;
        lock (_gate)
        {
            if (!_waiting.TryDequeue(out next)) return false;
        }

        try
        {
            await WriteAsync(next, cancellation);
        }
        catch (Exception lost) when (lost is ApiException or HttpRequestException)
        {
            // The pod's namespace is going away, or the server is: an event is not worth a retry.
            _written.Remove(next);
        }

        return true;
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => _signal.WaitAsync(null, cancellation);

    private async Task WriteAsync(PodEvent what, CancellationToken cancellation)
    {
        var now = KubeTime.Format(time.GetUtcNow());
        if (_written.TryGetValue(what, out var before))
        {
            var again = new JsonObject { ["count"] = before.Count + 1, ["lastTimestamp"] = now };
            await client.PatchAsync(Kinds.Event, what.Namespace, before.Name, Patch.Merge(again), null, cancellation);
            _written[what] = (before.Name, before.Count + 1);
            return;
        }

        var name = string.Create(CultureInfo.InvariantCulture, $"{what.Pod}.{time.GetUtcNow().Ticks + _number++:x}");
        var involved = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["namespace"] = what.Namespace, ["name"] = what.Pod, ["uid"] = what.Uid };
        if (what.FieldPath.Length > 0) involved["fieldPath"] = what.FieldPath;
        var tree = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Event",
            ["metadata"] = new JsonObject { ["namespace"] = what.Namespace, ["name"] = name },
            ["involvedObject"] = involved,
            ["reason"] = what.Reason,
            ["message"] = what.Message,
            ["type"] = what.Type,
            ["source"] = new JsonObject { ["component"] = "kubelet", ["host"] = nodeName },
            ["reportingComponent"] = "kubelet",
            ["reportingInstance"] = nodeName,
            ["firstTimestamp"] = now,
            ["lastTimestamp"] = now,
            ["count"] = 1,
        };
        await client.CreateAsync(Kinds.Event, KubeObject.From(tree), cancellation);
        if (_written.Count == RememberedAtMost) _written.Clear();
        _written[what] = (name, 1);
    }
}
