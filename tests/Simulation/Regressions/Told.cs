using Kube.Client;
using Kube.Types;

namespace Simulation;

/// <summary>What the operator has told about a job: its Events.</summary>
internal static class Told
{
    public static IReadOnlyList<KubeObject> About(SimulatedCluster world, string job = "pi") =>
    [
        .. SimulatedCluster.Now(world.Admin.ListAsync(Kinds.Event, "default", new ListOptions(), CancellationToken.None)).Items
            .Where(e => e.Root.Text("involvedObject", "kind") == MpiJobs.Kind.Kind && e.Root.Text("involvedObject", "name") == job),
    ];

    /// <summary>How often this was said: once for each Event, and once for each time that it was counted up.</summary>
    public static long Times(SimulatedCluster world, string reason) => About(world).Where(e => e.Root.Text("reason") == reason).Sum(static e => e.Root.Integer("count") ?? 1);
}
