using Kube.Types;
using PodView = Kube.Types.PodView;

namespace Simulation;

/// <summary>What must hold after every single change, whatever went wrong before (design section 3).</summary>
internal sealed class Invariants(WorldObserver world, bool gated)
{
    /// <summary>Objects with this label belong to nobody: whoever changes one breaks a rule.</summary>
    public const string DecoyLabel = "simulation/decoy";

    private readonly Dictionary<string, string> _ends = [];

    public void Check(ResourceKind kind, KubeObject? before, KubeObject? after, string step)
    {
        var changed = (after ?? before)!;
        if (changed.Meta.Labels.ContainsKey(DecoyLabel))
        {
            // Scheduler and nodes go about their work with it; the operator has none there.
            if (step.StartsWith("mpijob/", StringComparison.Ordinal)) throw new InvariantException($"{step} touched {changed}, which no job owns");
            return;
        }

        if (kind == MpiJobs.Kind && after is not null) CheckJob(before, after);
        if (kind == Kinds.Pod && after is not null) CheckPod(before, after);
    }

    private void CheckJob(KubeObject? before, KubeObject after)
    {
        // A terminal state is final, set once, with its time.
        var end = (MpiJobs.Has(after, "Succeeded"), MpiJobs.Has(after, "Failed")) switch
        {
            (true, true) => throw new InvariantException($"{after} both succeeded and failed"),
            (true, _) => $"Succeeded at {after.Root.Text("status", "completionTime") ?? throw new InvariantException($"{after} succeeded at no time")}",
            (_, true) => $"Failed at {after.Root.Text("status", "completionTime") ?? throw new InvariantException($"{after} failed at no time")}",
            _ => null,
        };
        if (_ends.TryGetValue(after.Meta.Uid, out var earlier))
        {
            if (earlier != end) throw new InvariantException($"{after} was {earlier} and is now {end ?? "unfinished"}");
            if (MpiJobs.Has(after, "Running")) throw new InvariantException($"{after} is {end} and says that it runs");
        }
        else if (end is not null)
        {
            _ends[after.Meta.Uid] = end;
        }

        // Attempts count upwards.
        if (before is not null && Attempt(after) < Attempt(before)) throw new InvariantException($"{after} went from attempt {Attempt(before)} back to {Attempt(after)}");
    }

    private void CheckPod(KubeObject? before, KubeObject after)
    {
        var pod = new PodView(after);
        if (pod.Meta.Labels.GetValueOrDefault("training.kubeflow.org/job-name") is not { } job) return;
        switch (pod.Meta.Labels.GetValueOrDefault("training.kubeflow.org/job-role"))
        {
            case "launcher":
                var live = world.Pods(pod.Meta.Namespace, job, "launcher").Where(static p => !p.IsFinished).ToList();
                if (live.Count > 1) throw new InvariantException($"{live.Count} launchers of {job} are alive: {string.Join(", ", live)}");
                // The command never starts before every worker runs. Only the moment of the start counts: workers may be lost later.
                if (gated && !CommandStarted(before) && CommandStarted(after) && !world.WorkersRun(pod))
                {
                    throw new InvariantException($"the command of {after} started before all workers of {job} ran");
                }

                break;

            case "worker" when before is null:
                var index = IndexOf(pod.Meta);
                var same = world.Pods(pod.Meta.Namespace, job, "worker").Where(p => IndexOf(p.Meta) == index).ToList();
                if (same.Count > 1) throw new InvariantException($"{job} has {same.Count} workers with index {index}: {string.Join(", ", same)}");
                break;
        }
    }

    /// <summary>The operator's label, or that of a StatefulSet's pods.</summary>
    private static string? IndexOf(ObjectMeta pod) =>
        pod.Labels.GetValueOrDefault("training.kubeflow.org/replica-index") ?? pod.Labels.GetValueOrDefault("apps.kubernetes.io/pod-index");

    private static long Attempt(KubeObject job) => job.Root.Integer("status", "attempt", "number") ?? 0;

    private static bool CommandStarted(KubeObject? pod) => pod is not null
        && pod.Root.Items("status", "containerStatuses").Any(static c => c.Has("state", "running") || c.Has("state", "terminated") || c.Has("lastState", "terminated"));
}

/// <summary>A rule was broken.</summary>
public sealed class InvariantException(string message) : Exception(message);
