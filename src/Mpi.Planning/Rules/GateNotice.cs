namespace Mpi.Planning;

/// <summary>
/// Tells a gate that all workers run. It learns that from their names; where DNS never resolves them (a wrong cluster domain,
/// a host network without the cluster's DNS) only the operator knows, and without its word the gate's time limit would never start.
/// It costs a write, so it is given only when the gate should long have opened.
/// </summary>
internal static class GateNotice
{
    /// <summary>Names of running pods appear within seconds; resolvers remember their absence for up to 30 s (CoreDNS' default).</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    public static bool Due(Draft draft)
    {
        var scene = draft.Scene;
        // One that the Job has made anew waits in a gate of its own.
        if (!Gate.Applies(draft) || (scene.LauncherStarted && !scene.LauncherWaits) || scene.LauncherPods is not [.., { GateMessage: null } waiting]) return false;

        var since = waiting.Meta.CreationTimestamp ?? scene.Now;
        foreach (var index in draft.Members)
        {
            if (scene.Worker(index) is not { Phase: PodPhase.Running, Meta.Deleting: false } worker) return false;
            if (worker.StartedAt > since) since = worker.StartedAt.Value;
        }

        var due = since + Patience;
        if (scene.Now >= due) return true;
        draft.Revisit(due);
        return false;
    }
}
