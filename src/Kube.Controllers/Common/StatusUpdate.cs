using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

internal static class StatusUpdate
{
    /// <summary>Writes the status where it differs from what the object says, under the resourceVersion that was observed.</summary>
    public static async Task WriteAsync(IKubeWriter client, ResourceKind kind, KubeObject obj, JsonObject status, OwnWrites writes, TimeProvider time, CancellationToken cancellation)
    {
        if (Says(obj, status)) return;
        var tree = obj.ToTree();
        tree["status"] = status.DeepClone();
        writes.Add(kind, await client.UpdateAsync(kind, KubeObject.From(tree), "status", cancellation), time.GetUtcNow());
    }

    public static bool Says(KubeObject obj, JsonObject status) => JsonNode.DeepEquals(obj.Root.At("status").ToTree() ?? new JsonObject(), status);

    /// <summary>A member that stands only where it says something.</summary>
    public static void SetUnlessZero(this JsonObject status, string member, int value)
    {
        if (value != 0) status[member] = value;
        else status.Remove(member);
    }
}
