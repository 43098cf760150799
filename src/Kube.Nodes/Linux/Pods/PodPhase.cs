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
                if (init.State == ContainerRunState.Waiting && init.LastTermination is null) return "Pending";
                continue;
            }

            if (init.Succeeded) continue;
            if (init.State == ContainerRunState.Ended && policy == "Never") return "Failed";
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
                    if (container.LastTermination is null) waiting++;
                    else stopped++;
                    break;
            }
        }

        if (waiting > 0) return "Pending";
        if (running > 0) return "Running";
        if (pod.Pod.Meta.DeletionTimestamp is not null && stopped > 0) return stopped == succeeded ? "Succeeded" : "Failed";
        if (policy == "Always") return "Running";
        if (stopped == succeeded) return "Succeeded";
        return policy == "Never" ? "Failed" : "Running";
    }

    /// <summary>Whether a container that ended is started again. Init containers are not restarted for success whatever the policy.</summary>
    public static bool Restarts(ContainerObservation container, string restartPolicy) =>
        (container.View.IsInit && !container.View.IsSidecar && container.Succeeded)
            ? false
            : restartPolicy switch { "Always" => true, "OnFailure" => !container.Succeeded, _ => false };
}
