using System.Collections.Immutable;

namespace Mpi.Planning;

/// <summary>One worker that is lost to the gang, and whose doing it was.</summary>
/// <param name="Pod">The pod's name.</param>
/// <param name="Infrastructure">Evicted, preempted, deleted, its node lost: not the user's failure. Else the worker ended by itself.</param>
/// <param name="Evicted">The kubelet evicted it, which has a word of its own in the API (spec 3.5).</param>
/// <param name="What">For people: the pod and what happened to it.</param>
internal sealed record WorkerLoss(string Pod, bool Infrastructure, bool Evicted, string What)
{
    /// <summary>The kubelet's and the scheduler's reasons for pods that they ended or would not take.</summary>
    private static readonly ImmutableHashSet<string> InfrastructureReasons = ImmutableHashSet.Create(
        StringComparer.Ordinal,
        "Evicted", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "Preempting", "Preempted", "NodeAffinity", "UnexpectedAdmissionError", "TaintToleration");

    /// <summary>The kubelet's reasons for containers whose end it has not seen: its node was started anew.</summary>
    private static readonly ImmutableHashSet<string> UnseenEnds = ImmutableHashSet.Create(StringComparer.Ordinal, "ContainerStatusUnknown", "Unknown");

    /// <summary>The workers of the present gang that are lost. Pods beyond the wanted number are on their way out and none of these.</summary>
    public static ImmutableArray<WorkerLoss> Find(Draft draft)
    {
        var scene = draft.Scene;
        var losses = ImmutableArray.CreateBuilder<WorkerLoss>();
        var launched = scene.LauncherStarted ? StartTimes.Of(draft).Launched : null;
        foreach (var index in draft.Members)
        {
            if (scene.Worker(index) is { } pod)
            {
                if (draft.Workers.SharesFate(draft, pod)) continue;
                if ((Of(pod, scene.LauncherStarted && !scene.LauncherWaits) ?? draft.Workers.LossOf(draft, index, pod, launched)) is { } loss) losses.Add(loss);
            }
            else if (IsMissing(draft, index))
            {
                losses.Add(new WorkerLoss(scene.Profile.Worker(index), true, false, $"worker {scene.Profile.Worker(index)} is gone"));
            }
        }

        return losses.ToImmutable();
    }

    /// <summary>
    /// A worker that was there and is not any more. Before the launcher's command starts it is just made again; one that a
    /// larger count asks for was never there, nor was one whose name somebody else has (<see cref="Conflicts"/>).
    /// </summary>
    public static bool IsMissing(Draft draft, int index) =>
        draft.Scene.LauncherStarted && index < draft.Workers.Standing(draft) && draft.Scene.Worker(index) is null
        && !draft.Scene.IsStrangers(index);

    /// <summary>A container that ended while its pod goes on; the kubelet may have started it again since.</summary>
    /// <param name="what">For people: what stands before how it ended.</param>
    public static WorkerLoss OfContainer(string pod, string what, ContainerEnd end) => new(pod, UnseenEnds.Contains(end.Reason), Evicted: false, $"{what} {end}{LastWords(end)}");

    public static bool IsInfrastructure(PodView pod) =>
        pod.Disruption.Length > 0 || InfrastructureReasons.Contains(pod.Reason) || pod.Reason.StartsWith("OutOf", StringComparison.Ordinal);

    private static WorkerLoss? Of(PodView pod, bool launcherStarted) => pod switch
    {
        { Phase: PodPhase.Failed } when IsInfrastructure(pod) => new WorkerLoss(pod.Meta.Name, true, pod.Reason == "Evicted", Describe(pod)),
        { Phase: PodPhase.Failed } => new WorkerLoss(pod.Meta.Name, DiedOfDeletion(pod), false, Describe(pod)),
        // A worker that ends well after the launcher's command has started has done its part: mpirun notices if it had not. One that the Job
        // makes anew after a failure finds it gone for good.
        { Phase: PodPhase.Succeeded } => launcherStarted ? null : new WorkerLoss(pod.Meta.Name, false, false, $"worker {pod.Meta.Name} ended with exit code 0 before the launcher started"),
        { Meta.Deleting: true } => new WorkerLoss(pod.Meta.Name, true, false, Describe(pod)),
        _ => null,
    };

    /// <summary>Told to go, a container ends by a signal, or with whatever code its program has for one: that is no failure of its own.</summary>
    public static bool DiedOfDeletion(PodView pod) => pod.DeletedAt is { } told && (pod.End?.FinishedAt is not { } ended || ended >= told);

    private static string Describe(PodView pod)
    {
        var cause = pod switch
        {
            { Reason: "Evicted" } => "was evicted",
            { Disruption.Length: > 0 } => $"was disrupted ({pod.Disruption})",
            _ when DiedOfDeletion(pod) => "was deleted",
            { Phase: PodPhase.Failed, Reason.Length: > 0 } => $"failed ({pod.Reason})",
            { Phase: PodPhase.Failed, End: { } end } => $"failed, {end}",
            { Phase: PodPhase.Failed } => "failed",
            _ => "is being deleted",
        };
        var details = pod.Phase != PodPhase.Failed ? "" : pod.Message.Length > 0 ? $": {pod.Message}" : pod.End is { } last && !IsInfrastructure(pod) && !DiedOfDeletion(pod) ? LastWords(last) : "";
        return $"worker {pod.Meta.Name} {cause}{details}";
    }

    private static string LastWords(ContainerEnd end) => end.Message.Length > 0 ? $": {Texts.LastLines(end.Message)}" : "";
}
