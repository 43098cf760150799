using System.Globalization;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>The gate's progress in one line, such as <c>3 of 4 workers reachable; waiting for pi-worker-2: Connection refused</c>.</summary>
internal static class GateProgress
{
    private const int HostsNamed = 3;
    private const int ReasonsNamed = 3;

    public static string Line(IReadOnlyCollection<GateMachine.Worker> workers) =>
        $"{Count(workers)}; waiting for {Missing(workers)}";

    public static string LastLine(IReadOnlyCollection<GateMachine.Worker> workers, GateOpening opened, TimeSpan now)
    {
        var seconds = now.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        return opened == GateOpening.Proven
            ? $"{Count(workers)} after {seconds} s"
            : $"{Count(workers)} after {seconds} s; the launcher starts without waiting any longer for {Missing(workers)}";
    }

    private static string Count(IReadOnlyCollection<GateMachine.Worker> workers) =>
        $"{workers.Count(static w => w.ProvenAt is not null)} of {workers.Count} worker{(workers.Count == 1 ? "" : "s")} reachable";

    /// <summary>Workers that fail alike are told together; the hosts' own names are no difference.</summary>
    private static string Missing(IEnumerable<GateMachine.Worker> workers)
    {
        var groups = workers.Where(static w => w.ProvenAt is null)
            .GroupBy(static w => w.Failure is { Cause: not UnreachableCause.Other } failure ? failure.Cause.ToString() : w.Reason)
            .ToList();
        var told = groups.Take(ReasonsNamed).Select(static group => $"{Names([.. group])}: {group.First().Reason}");
        var untold = groups.Skip(ReasonsNamed).Sum(static group => group.Count());
        return string.Join("; ", untold > 0 ? told.Append($"{untold} more") : told);
    }

    private static string Names(IReadOnlyList<GateMachine.Worker> workers) =>
        string.Join(", ", workers.Take(HostsNamed).Select(static w => Hostfile.Short(w.Host)))
        + (workers.Count > HostsNamed ? $" and {workers.Count - HostsNamed} more" : "");
}
