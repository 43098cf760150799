using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.LocalCluster;

/// <summary>
/// What this process holds in memory, so that a leak can be told from garbage that nobody has had a reason to collect yet.
/// </summary>
/// <example><c>GET /kubempi/memory</c> collects garbage and answers <c>{"heapBytes":41943040}</c>.</example>
internal static class MemoryUse
{
    private const string Path = "/kubempi/memory";

    /// <returns>Null when something else is asked for.</returns>
    public static byte[]? Answer(string path) => path == Path ? new JsonObject { ["heapBytes"] = GC.GetTotalMemory(forceFullCollection: true) }.ToUtf8() : null;
}
