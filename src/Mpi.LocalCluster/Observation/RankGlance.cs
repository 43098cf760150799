using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Linux;
using Kube.Types;

namespace Mpi.LocalCluster;

/// <summary>A rank seen in a pod.</summary>
public sealed record SeenRank(int Rank, string PodUid);

/// <summary>One look at which MPI ranks run in which pods at this moment.</summary>
public interface IRankGlance
{
    ValueTask<IReadOnlyList<SeenRank>> LookAsync(IReadOnlyList<string> podUids, CancellationToken cancellation);
}

/// <summary>Looks at the processes of the pods: every MPI tells a rank its number in its environment.</summary>
public sealed class ProcessRanks(LinuxNode node) : IRankGlance
{
    /// <summary>Open MPI 4 and 5, then MPICH's and Intel MPI's process managers, then any PMIx.</summary>
    private static readonly ImmutableArray<string> RankVariables = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"];

    public ValueTask<IReadOnlyList<SeenRank>> LookAsync(IReadOnlyList<string> podUids, CancellationToken cancellation) => ValueTask.FromResult<IReadOnlyList<SeenRank>>(Look(podUids));

    internal List<SeenRank> Look(IReadOnlyList<string> podUids)
    {
        var seen = new List<SeenRank>();
        foreach (var pod in podUids)
        {
            foreach (var process in node.Processes(pod, RankVariables))
            {
                if (RankOf(process) is { } rank) seen.Add(new SeenRank(rank, pod));
            }
        }

        return seen;
    }

    private static int? RankOf(PodProcess process)
    {
        foreach (var variable in RankVariables)
        {
            if (process.Environment.TryGetValue(variable, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var rank)) return rank;
        }

        return null;
    }
}

/// <summary>Asks the local cluster of another process of this user to look. Beside the Kubernetes API, and behind the same token.</summary>
/// <example><c>GET /kubempi/ranks?POD-UID,POD-UID</c> answers <c>{"ranks":[{"rank":0,"pod":"POD-UID"}]}</c>.</example>
public sealed class RemoteRanks(KubeClient client) : IRankGlance
{
    internal const string Path = "/kubempi/ranks";

    public async ValueTask<IReadOnlyList<SeenRank>> LookAsync(IReadOnlyList<string> podUids, CancellationToken cancellation)
    {
        if (podUids.Count == 0) return [];
        var answer = await client.ReadAsync($"{Path}?{string.Join(',', podUids)}", cancellation);
        return [.. answer.Items("ranks").Select(static r => new SeenRank((int)(r.Integer("rank") ?? 0), r.Text("pod") ?? ""))];
    }

    /// <summary>The other side: null when something else is asked for.</summary>
    internal static byte[]? Answer(string path, string query, ProcessRanks ranks) => path != Path
        ? null
        : new JsonObject
        {
            ["ranks"] = new JsonArray([.. ranks.Look(query.Split(',', StringSplitOptions.RemoveEmptyEntries)).Select(static r => (JsonNode)new JsonObject { ["rank"] = r.Rank, ["pod"] = r.PodUid })]),
        }.ToUtf8();
}
