using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// One way in which clusters ask for pods that start together or not at all: how pods name their group, what the group's object
/// says, and what is written back into it. The kinds are the back end's own definitions: they exist only where installed.
/// </summary>
public interface IGangBackend
{
    /// <summary>Whether objects of this kind are this back end's groups.</summary>
    bool IsGroup(ResourceKind kind);

    /// <summary>Whether objects of this kind are its queues; false for back ends without.</summary>
    bool IsQueue(ResourceKind kind);

    /// <summary>The name of the pod's group, in the pod's namespace; null when it has none of this back end's.</summary>
    string? GroupOf(PodView pod);

    GangWish Read(KubeObject group);

    /// <summary>What a pod of a group that has to wait is told.</summary>
    string Explain(GangWish wish, GangCount count, GangShortage shortage);

    /// <summary>The group's new status; null where it says so already, or this back end writes none.</summary>
    JsonObject? Status(KubeObject group, ResourceKind kind, GangWish wish, GangCount count, GangShortage? shortage, DateTimeOffset now);
}

/// <summary>What a group's object asks for.</summary>
/// <param name="MinMember">So many of its pods start together or none does.</param>
public sealed record GangWish(int MinMember)
{
    /// <summary>So much must be free before any of it starts.</summary>
    public ResourceAmounts MinResources { get; init; } = ResourceAmounts.None;

    /// <summary>The queue that it stands in; empty where that does not matter.</summary>
    public string Queue { get; init; } = "";

    /// <summary>A group that could not start is not tried again for so long.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>A group's pods by state.</summary>
/// <param name="Pending">Waiting for a node.</param>
/// <param name="Placed">On a node and not ended.</param>
/// <param name="Running">Of those placed, the ones in phase Running.</param>
public sealed record GangCount(int Pending, int Placed, int Running, int Succeeded, int Failed)
{
    public int All => Pending + Placed + Succeeded + Failed;

    public static GangCount Of(IEnumerable<PodView> pods)
    {
        var (pending, placed, running, succeeded, failed) = (0, 0, 0, 0, 0);
        foreach (var pod in pods)
        {
            if (pod.Phase == "Succeeded") succeeded++;
            else if (pod.Phase == "Failed") failed++;
            else if (pod.NodeName.Length == 0) pending++;
            else
            {
                placed++;
                if (pod.Phase == "Running") running++;
            }
        }

        return new GangCount(pending, placed, running, succeeded, failed);
    }
}

/// <summary>Why a group has to wait.</summary>
public abstract record GangShortage
{
    private GangShortage() { }

    /// <summary>Its object does not exist.</summary>
    public sealed record NoGroup : GangShortage;

    /// <summary>The queue that it names does not exist.</summary>
    public sealed record NoQueue(string Queue) : GangShortage;

    /// <summary>Not enough pods of it exist.</summary>
    public sealed record TooFewPods : GangShortage;

    /// <summary>Less is free than it asks for as a whole.</summary>
    public sealed record TooFewResources(string Resource) : GangShortage;

    /// <summary>Not enough of its pods fit.</summary>
    /// <param name="Fitting">So many would.</param>
    /// <param name="Cause">What the first of the others met.</param>
    public sealed record NoRoom(int Fitting, string Cause) : GangShortage;
}

/// <summary>The back ends that are known: adding one is a file and a line here.</summary>
public static class GangBackends
{
    public static ImmutableArray<IGangBackend> All { get; } = [new VolcanoGangs(), new KubeBatchGangs(), new SchedulerPluginsGangs(), new WorkloadGangs()];

    /// <summary>The groups that a pod may mean, as keys of an index: back ends may share a marker.</summary>
    public static ImmutableArray<string> GroupsOf(PodView pod)
    {
        ImmutableArray<string> groups = [];
        foreach (var backend in All)
        {
            if (backend.GroupOf(pod) is { } name && !groups.Contains(Key(pod.Meta.Namespace, name))) groups = groups.Add(Key(pod.Meta.Namespace, name));
        }

        return groups;
    }

    internal static string Key(string ns, string name) => $"{ns}/{name}";
}
