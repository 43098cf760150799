using System.Collections.Immutable;
using System.Globalization;
using Kube.Nodes.Linux;
using Kube.Types;

namespace Mpi.LocalCluster;

/// <summary>
/// Sees where MPI ranks run by looking at the pods' processes: every MPI tells a rank its number in its environment. What
/// was too short-lived to be seen is not in here, and is never guessed.
/// </summary>
public sealed class RankObserver(LinuxNode node)
{
    /// <summary>Open MPI 4 and 5, then MPICH's and Intel MPI's process managers, then any PMIx.</summary>
    private static readonly ImmutableArray<string> RankVariables = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"];

    private readonly Dictionary<string, SortedDictionary<int, string>> _seen = new(StringComparer.Ordinal);

    /// <summary>Looks once at the processes of a job's pods.</summary>
    /// <param name="jobUid">What <see cref="Of"/> asks by.</param>
    public void Look(string jobUid, IEnumerable<KubeObject> pods)
    {
        if (!_seen.TryGetValue(jobUid, out var ranks)) _seen[jobUid] = ranks = [];
        foreach (var pod in pods)
        {
            foreach (var process in node.Processes(pod.Meta.Uid, RankVariables))
            {
                foreach (var variable in RankVariables)
                {
                    if (process.Environment.TryGetValue(variable, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var rank))
                    {
                        ranks[rank] = pod.Meta.Name;
                        break;
                    }
                }
            }
        }
    }

    /// <summary>The pod of each rank that was seen, in the order of ranks.</summary>
    public IReadOnlyDictionary<int, string> Of(string jobUid) =>
        _seen.TryGetValue(jobUid, out var ranks) ? ranks : ImmutableSortedDictionary<int, string>.Empty;
}
