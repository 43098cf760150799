using Kube.Types;

namespace Kube.Controllers;

/// <summary>Volcano: <c>scheduling.volcano.sh</c> PodGroup and Queue.</summary>
public sealed class VolcanoGangs : BatchGangs
{
    private const string Group = "scheduling.volcano.sh";

    public override bool IsGroup(ResourceKind kind) => kind is { Group: Group, Kind: "PodGroup" };

    public override bool IsQueue(ResourceKind kind) => kind is { Group: Group, Kind: "Queue" };

    protected override bool ReportsScheduled => true;

    protected override string Phase(string before, GangWish wish, GangCount count, GangShortage? shortage)
    {
        var placed = count.Placed + count.Succeeded;
        if (shortage is not null && count.Placed > 0) return "Unknown";
        if (placed >= wish.MinMember && placed > 0) return count.Placed == 0 && count.Pending == 0 ? "Completed" : "Running";
        // Inqueue: admitted by the queue, its pods may be created and tried.
        return shortage is GangShortage.NoQueue or GangShortage.TooFewResources || count.All == 0 ? "Pending" : "Inqueue";
    }
}
