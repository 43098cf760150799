using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// Reason and message of a failed run (spec 3.4): the Job's, and what the newest pod says about it: its own reason where it
/// has one, else the container's exit and last lines of output, which the old operator never told.
/// </summary>
internal static class LauncherFailure
{
    public static RunOutcome.Failed Describe(Scene scene, JobEnd end)
    {
        var reason = end.Reason.Length > 0 ? end.Reason : "MPIJobFailed";
        var message = end.Message.Length > 0 ? end.Message : $"{scene.Profile.JobKind.Kind} {scene.Namespace}/{scene.Profile.Job.Name} has failed";
        // Also a pod that the Job is taking down knows how its container ended.
        var pod = scene.LauncherPods.LastOrDefault(static p => p.Phase == PodPhase.Failed && (p.HasFailed || p.Reason.Length + p.Message.Length > 0))
            ?? scene.LauncherPods.LastOrDefault(static p => p.HasFailed)
            ?? scene.Seen.LauncherFailure;
        if (pod is not null && reason == "BackoffLimitExceeded")
        {
            if (pod.Reason.Length > 0) reason += $"/{pod.Reason}";
            if (pod.Message.Length > 0) message += $": {pod.Message}";
        }

        if (pod?.End is { } last)
        {
            message += $"; pod {pod.Meta.Name}, {last}";
            message += LastWords(last);
        }

        return new RunOutcome.Failed(reason, Texts.Truncate(message));
    }

    /// <summary>How a launcher's pod ended, and its last words.</summary>
    public static string Explain(PodView pod)
    {
        var own = pod.Reason.Length + pod.Message.Length > 0 ? $" ({string.Join(": ", new[] { pod.Reason, pod.Message }.Where(static t => t.Length > 0))})" : "";
        return pod.End is { } end ? $"launcher pod {pod.Meta.Name} failed{own}, {end}{LastWords(end)}" : $"launcher pod {pod.Meta.Name} failed{own}";
    }

    /// <summary>The workers that the launcher's agent has lost, or what the program said last.</summary>
    private static string LastWords(ContainerEnd end)
    {
        const int named = 3;
        if (AgentReport.TryRead(end.Message)?.Launcher is not { Lost: { IsEmpty: false } lost }) return end.Message.Length > 0 ? $": {Texts.LastLines(end.Message)}" : "";
        var text = string.Join("; ", lost.Take(named).Select(static worker => $"worker {worker.Host} was lost ({worker.Reason})"));
        return lost.Length <= named ? $": {text}" : $": {text}; and {lost.Length - named} more";
    }
}
