using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Operator;

/// <summary>What a <c>coordination.k8s.io/v1</c> Lease says of its holder.</summary>
/// <param name="Holder">The holder's identity; empty when the lease was released.</param>
/// <param name="Duration">How long it holds after each renewal.</param>
/// <param name="AcquireTime">When this holder came to hold it, by its own clock.</param>
/// <param name="RenewTime">When it last renewed, by its own clock: compared for change only, never with our clock.</param>
/// <param name="Transitions">How often the holder changed.</param>
public sealed record LeaseRecord(string Holder, TimeSpan Duration, DateTimeOffset? AcquireTime, DateTimeOffset? RenewTime, long Transitions)
{
    public static LeaseRecord Read(KubeObject lease) => new(
        lease.Root.Text("spec", "holderIdentity") ?? "",
        TimeSpan.FromSeconds(lease.Root.Integer("spec", "leaseDurationSeconds") ?? 0),
        lease.Root.Time("spec", "acquireTime"),
        lease.Root.Time("spec", "renewTime"),
        lease.Root.Integer("spec", "leaseTransitions") ?? 0);

    /// <summary>A new Lease object.</summary>
    public KubeObject ToLease(string ns, string name) => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = Kinds.Lease.ApiVersion,
        ["kind"] = Kinds.Lease.Kind,
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns },
        ["spec"] = Spec(),
    });

    /// <summary>The Lease as it was read, resourceVersion and all, with this record in it.</summary>
    public KubeObject Into(KubeObject lease)
    {
        var tree = lease.ToTree();
        tree["spec"] = Spec();
        return KubeObject.From(tree);
    }

    private JsonObject Spec()
    {
        var spec = new JsonObject
        {
            ["holderIdentity"] = Holder,
            ["leaseDurationSeconds"] = (long)Duration.TotalSeconds,
            ["leaseTransitions"] = Transitions,
        };
        if (AcquireTime is { } acquired) spec["acquireTime"] = KubeTime.FormatMicro(acquired);
        if (RenewTime is { } renewed) spec["renewTime"] = KubeTime.FormatMicro(renewed);
        return spec;
    }
}
