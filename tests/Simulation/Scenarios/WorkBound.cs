using Mpi.Testing;

namespace Simulation;

/// <summary>How much an operator may write for a job (design section 3), and for each mishap more.</summary>
internal static class WorkBound
{
    /// <summary>Beside the N + 12: a gang's group, an agent's Service and one write about it, an account with its role and binding, a StatefulSet's scaling.</summary>
    private const int Further = 8;

    /// <summary>A gate that waits in earnest is given its notice, which is taken back, and the job's status tells how it goes.</summary>
    private const int Waiting = 4;

    public static ViolationException? Check(Scenario scenario, SimulatedCluster world, bool blocked)
    {
        // Questions about a name that is taken look like writes.
        if (blocked) return null;
        var attempts = world.Observer.View.Jobs.Sum(static j => j.Recorded.Attempt?.Number ?? 1);
        var once = scenario.Workers + 12 + Further + (scenario.Agents ? Waiting : 0);
        var most = scenario.Mishaps.IsEmpty ? once : (once + 4) * (1 + scenario.Mishaps.Length + Math.Max(1, attempts));
        return world.Operator.Writes <= most ? null : new ViolationException("WorkBound", $"{world.Operator.Writes} writes, and {most} would be many");
    }
}
