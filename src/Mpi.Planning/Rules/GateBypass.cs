using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>What the gate's termination message says: whether the launcher started with workers missing, and which.</summary>
internal static class GateBypass
{
    private const int Named = 5;

    /// <returns>The remark to record; null when the gate has not spoken, or let the launcher through with all workers.</returns>
    public static RunRemark? Read(Scene scene)
    {
        var message = scene.LauncherPods.LastOrDefault(static p => p.GateMessage is not null)?.GateMessage;
        if (AgentReport.TryRead(message)?.Gate is not { Opened: GateOpening.Timeout } gate) return null;
        var silent = string.Join(", ", gate.Missing.Take(Named).Select(static m => m.Reason.Length > 0 ? $"{m.Host} ({m.Reason})" : m.Host));
        var more = gate.Total - gate.Proven - Math.Min(Named, gate.Missing.Length);
        if (more > 0) silent += $" and {more} more";
        return new RunRemark("WorkersSilent", Texts.Truncate($"{gate.Proven} of {gate.Total} workers were reachable when the wait ended; the launcher started without {silent}"));
    }
}
