namespace Mpi.Planning;

/// <summary>What is known of the queue that a run names.</summary>
public enum QueueSighting
{
    /// <summary>It is there, or there is nothing to look for: the run names none, or the cluster has no such kind.</summary>
    There,

    /// <summary>The cluster has queues, and not this one.</summary>
    Missing,

    /// <summary>The operator may not look: queues are the cluster's, and its rights may end with a namespace.</summary>
    Hidden,
}
