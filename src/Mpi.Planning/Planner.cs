namespace Mpi.Planning;

/// <summary>Decides what a job needs next: a pure function of what was observed.</summary>
public static class Planner
{
    public static Plan Decide(ObservedRun seen)
    {
        // A job on its way out is the garbage collector's; its children go with it.
        if (seen.Job.Meta.DeletionTimestamp is not null) return Plan.Nothing;
        return Plan.Nothing;
    }
}
