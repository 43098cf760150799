namespace Mpi.Agent.Roles;

/// <summary>
/// Which launcher a worker serves: the one that it met last. One that it left for a newer one is fenced for good, so that a
/// launcher which was thought dead and comes back starts nothing beside its successor. Needs no clock and no counter: the order is
/// that in which this worker met them. Pure.
/// </summary>
public sealed class LauncherFence
{
    /// <summary>Launchers of one job, gates included; far more than its retries can be. The oldest are forgotten.</summary>
    private const int Most = 1024;

    private readonly HashSet<Guid> _left = [];
    private readonly Queue<Guid> _oldestFirst = new();

    public Guid? Current { get; private set; }

    /// <summary>Whether to serve the launcher that answered. The first of a new launcher ends the time of the one before.</summary>
    public bool Admit(Guid launcher)
    {
        if (_left.Contains(launcher)) return false;
        if (Current is { } before && before != launcher)
        {
            if (_oldestFirst.Count == Most) _left.Remove(_oldestFirst.Dequeue());
            _left.Add(before);
            _oldestFirst.Enqueue(before);
        }

        Current = launcher;
        return true;
    }
}
