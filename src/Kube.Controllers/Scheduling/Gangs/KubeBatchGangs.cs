using Kube.Types;

namespace Kube.Controllers;

/// <summary>kube-batch: <c>scheduling.incubator.k8s.io</c>, later <c>scheduling.sigs.dev</c>, PodGroup and Queue.</summary>
public sealed class KubeBatchGangs : BatchGangs
{
    public override bool IsGroup(ResourceKind kind) => kind is { Group: "scheduling.incubator.k8s.io" or "scheduling.sigs.dev", Kind: "PodGroup" };

    public override bool IsQueue(ResourceKind kind) => kind is { Group: "scheduling.incubator.k8s.io" or "scheduling.sigs.dev", Kind: "Queue" };

    protected override bool ReportsScheduled => false;

    protected override string Phase(string before, GangWish wish, GangCount count, GangShortage? shortage)
    {
        if (shortage is not null && count.Running > 0) return "Unknown";
        return count.Placed + count.Succeeded >= wish.MinMember && count.Placed + count.Succeeded > 0 ? "Running" : "Pending";
    }
}
