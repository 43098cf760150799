using System.Collections.Immutable;
using Kube.Types;

namespace Mpi.LocalCluster;

/// <summary>
/// Remembers where a job's ranks were seen to run. What was too short-lived to be seen is not in here, and is never guessed.
/// </summary>
public sealed class RankObserver(IRankGlance glance)
{
    private readonly SortedDictionary<int, string> _seen = [];

    /// <summary>The pod of each rank that was seen, in the order of ranks.</summary>
    public IReadOnlyDictionary<int, string> Seen => _seen;

    /// <summary>Looks once.</summary>
    /// <param name="pods">The job's pods that run.</param>
    public async ValueTask LookAsync(IEnumerable<KubeObject> pods, CancellationToken cancellation)
    {
        var names = pods.ToImmutableDictionary(static p => p.Meta.Uid, static p => p.Meta.Name);
        foreach (var (rank, pod) in await glance.LookAsync([.. names.Keys], cancellation))
        {
            if (names.TryGetValue(pod, out var name)) _seen[rank] = name;
        }
    }
}
