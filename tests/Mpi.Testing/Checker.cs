using Mpi.Planning;

namespace Mpi.Testing;

/// <summary>
/// One thing that must hold of jobs whatever goes wrong (design section 3). It is told of every change in order, and of times of rest:
/// when every fault is over and every job has come as far as it can. It never asks the operator.
/// </summary>
public abstract class Checker
{
    /// <summary>How long what the user changed may take to reach whoever acts on it: faults hold back events for less.</summary>
    protected static readonly TimeSpan Lag = TimeSpan.FromMinutes(3);

    /// <summary>All of them, new.</summary>
    /// <param name="options">What the operator was told; null for its defaults.</param>
    public static IReadOnlyList<Checker> All(PlanningOptions? options = null) =>
    [
        new OneLauncher(), new OneWorkerAnIndex(), new AttemptsAreRecorded(), new EndsAreFinal(), new EndsAreTrue(), new RetriesCountOnce(options ?? new PlanningOptions()), new GateHolds(options ?? new PlanningOptions()), new HealthyWorkersStay(), new OnlyItsOwn(),
        new InvalidSpecsTouchNothing(), new HostsAreWorkers(options ?? new PlanningOptions()), new LaunchesUseTheirOwn(), new GangsFit(), new NewsIsToldOnce(), new SuspensionReachesZero(), new EndsAreCleanedUp(options ?? new PlanningOptions()), new LifetimesBeginAtTheEnd(), new NothingOutlivesItsJob(), new EveryJobComesToRest(),
    ];

    /// <summary>A change, which the view already shows.</summary>
    public virtual void Changed(Change change, ClusterView view) { }

    public virtual void Rested(ClusterView view) { }

    protected ViolationException Broken(string what) => new(GetType().Name, what);
}

/// <summary>Something that must hold did not.</summary>
/// <param name="checker">The name of who found it.</param>
public sealed class ViolationException(string checker, string what) : Exception($"{checker}: {what}")
{
    public string Checker => checker;
}
