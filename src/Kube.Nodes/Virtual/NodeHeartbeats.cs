using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Virtual;

/// <summary>
/// What shows that nodes live, as kubelets show it: a Lease each in kube-node-lease, renewed every few seconds, and their status now and then.
/// A node that was silent for so long that it may have been given up says at once that it is ready. One that somebody has deleted is silent
/// from then on.
/// </summary>
internal sealed class NodeHeartbeats(IKubeClient client, TimeSpan every, TimeProvider time)
{
    private const string Namespace = "kube-node-lease";

    // The kubelet's own: nodeLeaseDurationSeconds and nodeStatusReportFrequency.
    private static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan StatusEvery = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, Beat> _beats = new(StringComparer.Ordinal);

    private readonly record struct Beat(string Uid, DateTimeOffset LeaseAt, DateTimeOffset StatusAt);

    public bool IsBegun(string node) => _beats.ContainsKey(node);

    /// <param name="node">As it was just registered, its status included.</param>
    public async ValueTask<Outcome> BeginAsync(KubeObject node, CancellationToken cancellation)
    {
        var (name, now) = (node.Meta.Name, time.GetUtcNow());
        if (!await RenewAsync(name, now, cancellation)) await CreateAsync(name, node.Meta.Uid, now, cancellation);
        _beats[name] = new Beat(node.Meta.Uid, now, now);
        return new Outcome.Requeue(every);
    }

    /// <param name="status">The patch that says how the node is.</param>
    public async ValueTask<Outcome> BeatAsync(string node, JsonObject status, CancellationToken cancellation)
    {
        var (beat, now) = (_beats[node], time.GetUtcNow());
        var isRenewed = await RenewAsync(node, now, cancellation);
        var isLate = now - beat.LeaseAt >= LeaseDuration;
        if (!isRenewed || isLate || now - beat.StatusAt >= StatusEvery)
        {
            if (!await ReportAsync(node, beat.Uid, status, cancellation)) return Outcome.Done;
            // After a silence once more with the next beat: who saw the status before the Lease has given the node up again.
            beat = beat with { StatusAt = isLate ? now - StatusEvery : now };
        }

        if (!isRenewed) await CreateAsync(node, beat.Uid, now, cancellation);
        _beats[node] = beat with { LeaseAt = now };
        return new Outcome.Requeue(every);
    }

    /// <returns>False when the node is gone; then its Lease is, too.</returns>
    private async Task<bool> ReportAsync(string node, string uid, JsonObject status, CancellationToken cancellation)
    {
        status["metadata"] = new JsonObject { ["uid"] = uid };
        try
        {
            await client.PatchAsync(Kinds.Node, null, node, Patch.Merge(status), "status", cancellation);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Deleted, or made anew by somebody who answers for it.
        }

        try
        {
            await client.DeleteAsync(Kinds.Lease, Namespace, node, new DeleteOptions(), cancellation);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Collected with its owner.
        }

        return false;
    }

    /// <returns>False when there is no Lease.</returns>
    private async Task<bool> RenewAsync(string node, DateTimeOffset now, CancellationToken cancellation)
    {
        try
        {
            await client.PatchAsync(Kinds.Lease, Namespace, node, Patch.Merge(new JsonObject { ["spec"] = Spec(node, now) }), null, cancellation);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    private Task CreateAsync(string node, string uid, DateTimeOffset now, CancellationToken cancellation) => client.CreateAsync(Kinds.Lease, KubeObject.From(new JsonObject
    {
        ["apiVersion"] = Kinds.Lease.ApiVersion,
        ["kind"] = Kinds.Lease.Kind,
        ["metadata"] = new JsonObject
        {
            ["name"] = node,
            ["namespace"] = Namespace,
            ["ownerReferences"] = new JsonArray(new JsonObject { ["apiVersion"] = Kinds.Node.ApiVersion, ["kind"] = Kinds.Node.Kind, ["name"] = node, ["uid"] = uid }),
        },
        ["spec"] = Spec(node, now),
    }), cancellation);

    private static JsonObject Spec(string node, DateTimeOffset now) => new()
    {
        ["holderIdentity"] = node,
        ["leaseDurationSeconds"] = (int)LeaseDuration.TotalSeconds,
        ["renewTime"] = now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture),
    };
}
