namespace Kube.Nodes.Linux;

/// <summary>The phase of a pod, as the kubelet computes it from its containers (<c>getPhase</c>).</summary>
internal static class PodPhase
{
    public static string Of(PodObservation pod)
    {
        if (pod.FinalPhase is { } final) return final;
        if (pod.DeadlineExceeded) return "Failed";
        var policy = pod.Pod.RestartPolicy;
        foreach (var init in pod.Containers.Where(static c => c.View.IsInit))
        {
            if (init.View.IsSidecar)
            {
                if (!init.HasStarted && init.LastTermination is null && init.State != ContainerRunState.Ended && !AnyMainBegun(pod)) return "Pending";
                continue;
            }

            if (init.Succeeded) continue;
            if (init.State == ContainerRunState.Ended && !Restarts(init, policy)) return "Failed";
            return "Pending";
        }

        int waiting = 0, running = 0, stopped = 0, succeeded = 0;
        foreach (var container in pod.Containers.Where(static c => !c.View.IsInit))
        {
            switch (container.State)
            {
                case ContainerRunState.Running:
                    running++;
                    break;
                case ContainerRunState.Ended:
                    stopped++;
                    if (container.Succeeded) succeeded++;
                    break;
                default:
                    // One that ran before is on its way to run again.
                    if (container.LastTermination is null) waiting++;
                    else running++;
                    break;
            }
        }

        if (waiting > 0) return "Pending";
        if (running > 0) return "Running";
        if (pod.Pod.Meta.DeletionTimestamp is not null && stopped > 0) return stopped == succeeded ? "Succeeded" : "Failed";
        if (pod.Containers.Any(c => !c.View.IsInit && Restarts(c, policy))) return "Running";
        return stopped == succeeded ? "Succeeded" : "Failed";
    }

    /// <summary>
    /// The phase that the status shows: a final one only once nothing of the pod runs any more, so that whoever sees it can count on that
    /// (the kubelet's status manager holds it back in the same way).
    /// </summary>
    public static string Reported(PodObservation pod) => Of(pod) switch
    {
        "Succeeded" or "Failed" when pod.Containers.Any(static c => c.IsAlive) => AnyMainBegun(pod) ? "Running" : "Pending",
        var phase => phase,
    };

    /// <summary>The phase in which a pod ends that was taken away: containers that never ran count as failed.</summary>
    public static string Last(PodObservation pod) =>
        Of(pod) is ("Succeeded" or "Failed") and var phase ? phase : pod.Containers.Where(static c => !c.View.IsInit).All(static c => c.Succeeded) ? "Succeeded" : "Failed";

    public static bool AnyMainBegun(PodObservation pod) => pod.Containers.Any(static c => !c.View.IsInit && (c.State != ContainerRunState.Waiting || c.LastTermination is not null));

    /// <summary>Whether a container that ended is started again. Init containers are not restarted for success whatever the policy.</summary>
    /// <param name="podPolicy">The pod's <c>restartPolicy</c>.</param>
    public static bool Restarts(ContainerObservation container, string podPolicy)
    {
        if (container is not { State: ContainerRunState.Ended, Termination: { } end }) return false;
        var view = container.View;
        if (end.ExitCode != 0 && view.RestartsAfter(end.ExitCode)) return true;
        if (view is { IsInit: true, IsSidecar: false } && container.Succeeded) return false;
        return (view.RestartPolicy ?? podPolicy) switch { "Always" => true, "OnFailure" => !container.Succeeded, _ => false };
    }
}
