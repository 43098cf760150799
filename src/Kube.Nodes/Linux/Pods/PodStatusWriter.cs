using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>Writes a pod's status when it differs from what was written last.</summary>
/// <param name="written">The status that the pod has.</param>
internal sealed class PodStatusWriter(NodeContext node, JsonObject? written)
{
    private JsonObject? _written = written;

    /// <summary>False when the server could not be reached: try again a little later.</summary>
    public async Task<bool> WriteAsync(PodObservation pod, CancellationToken cancellation)
    {
        var meta = pod.Pod.Meta;
        var status = PodStatus.Of(pod, _written, node.Time.GetUtcNow());
        if (JsonNode.DeepEquals(status, _written)) return true;
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = meta.Uid }, ["status"] = status.DeepClone() };
        try
        {
            await node.Client.PatchAsync(Kinds.Pod, meta.Namespace, meta.Name, Patch.Merge(patch), "status", cancellation);
            _written = status;
            return true;
        }
        catch (ApiException gone) when (gone.IsNotFound || gone.IsConflict)
        {
            // The pod is gone, or another of its name stands there: the watch tells which.
            return true;
        }
        catch (Exception away) when (away is ApiException or HttpRequestException)
        {
            node.Report(new NodeNotice(IsWarning: true, $"status of pod {meta.Key}: {away.Message}"));
            return false;
        }
    }
}
