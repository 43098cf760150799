using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Cli;

/// <summary>The stages of a run in their order.</summary>
public enum RunStage { Accepted, WorkersCreated, WorkersRunning, WorkersReachable, LauncherRunning, Finished }

/// <summary>How a run ended.</summary>
/// <param name="Succeeded">The job's Succeeded condition is True; else its Failed condition is.</param>
/// <param name="Reason">The condition's reason, such as <c>BackoffLimitExceeded</c>.</param>
/// <param name="ExitCode">The exit code of the launcher's last container, where one was seen.</param>
public sealed record RunOutcome(bool Succeeded, string Reason, string Message, int? ExitCode);

/// <summary>What can be said of a run from the objects seen so far. Immutable: each look makes the next.</summary>
public sealed record JobTimeline
{
    private const string CompletionIndex = "batch.kubernetes.io/job-completion-index";

    /// <summary>When each stage was first seen, in time since the start.</summary>
    public ImmutableSortedDictionary<RunStage, TimeSpan> Reached { get; init; } = ImmutableSortedDictionary<RunStage, TimeSpan>.Empty;

    public int WorkersWanted { get; init; }
    public int WorkersCreated { get; init; }
    public int WorkersRunning { get; init; }
    public RunOutcome? Outcome { get; init; }

    /// <summary>The launcher pods by name in order of creation; a retry adds one.</summary>
    public ImmutableArray<string> LauncherPods { get; init; } = [];

    /// <summary>Why a pod is not getting on, such as <c>pi-worker-1: Insufficient cpu</c>; empty when all is well.</summary>
    public string Waiting { get; init; } = "";

    public bool HasReached(RunStage stage) => Reached.ContainsKey(stage);

    /// <summary>Takes another look.</summary>
    /// <param name="elapsed">Time since the run was begun.</param>
    /// <param name="job">The MPI job as it is now.</param>
    /// <param name="pods">The pods of its namespace.</param>
    /// <param name="jobs">The batch Jobs of its namespace: the launcher's pods belong to the one that the MPI job owns.</param>
    /// <param name="sets">The StatefulSets of its namespace: workers may belong to one that the MPI job owns.</param>
    public JobTimeline Look(TimeSpan elapsed, KubeObject job, IEnumerable<KubeObject> pods, IEnumerable<KubeObject> jobs, IEnumerable<KubeObject>? sets = null)
    {
        var workerOwners = (sets ?? []).Where(s => s.Meta.Controller?.Uid == job.Meta.Uid).Select(static s => s.Meta.Uid).Append(job.Meta.Uid).ToHashSet();
        var launcherJobs = jobs.Where(j => j.Meta.Controller?.Uid == job.Meta.Uid).Select(static j => j.Meta.Uid).ToHashSet();
        var all = pods.ToList();
        // Where all pods are of one Job, its first index is the launcher.
        var ofJobs = all.Where(p => p.Meta.Controller is { } owner && launcherJobs.Contains(owner.Uid)).ToLookup(static p => p.Meta.Annotations.GetValueOrDefault(CompletionIndex, "0") == "0");
        var workers = all.Where(p => p.Meta.Controller is { } owner && workerOwners.Contains(owner.Uid)).Concat(ofJobs[false]).ToList();
        var launchers = ofJobs[true]
            .OrderBy(static p => p.Meta.CreationTimestamp).ThenBy(static p => p.Meta.Name, StringComparer.Ordinal)
            .ToList();

        var next = this with
        {
            WorkersWanted = (int)(job.Root.Integer("status", "workers", "replicas") ?? job.Root.Integer("spec", "mpiReplicaSpecs", "Worker", "replicas") ?? 0),
            WorkersCreated = Math.Max(WorkersCreated, workers.Count),
            WorkersRunning = workers.Count(static w => w.Root.Text("status", "phase") == "Running"),
            LauncherPods = LauncherPods.AddRange(launchers.Select(static l => l.Meta.Name).Where(name => !LauncherPods.Contains(name))),
            Waiting = workers.Concat(launchers).Select(WhyWaiting).FirstOrDefault(static why => why.Length > 0) ?? "",
            Outcome = Outcome ?? OutcomeOf(job, launchers),
        };

        var reached = Reached.ToBuilder();
        Mark(RunStage.Accepted, true);
        Mark(RunStage.WorkersCreated, next.WorkersWanted > 0 && next.WorkersCreated >= next.WorkersWanted);
        Mark(RunStage.WorkersRunning, next.WorkersWanted > 0 && next.WorkersRunning >= next.WorkersWanted);
        Mark(RunStage.WorkersReachable, next.WorkersWanted > 0 && launchers.Exists(static l => GatePassed(l)));
        Mark(RunStage.LauncherRunning, launchers.Exists(static l => MainContainer(l) is { } main && (main.Has("state", "running") || main.Has("state", "terminated"))));
        Mark(RunStage.Finished, next.Outcome is not null);
        return next with { Reached = reached.ToImmutable() };

        void Mark(RunStage stage, bool seen)
        {
            if (seen) reached.TryAdd(stage, elapsed);
        }
    }

    private static bool GatePassed(KubeObject launcher)
    {
        var gates = launcher.Root.Items("status", "initContainerStatuses").Where(static c => c.Text("name") == "kubempi-gate").ToList();
        return gates.Count > 0 && gates.TrueForAll(static g => g.Integer("state", "terminated", "exitCode") == 0);
    }

    private static JsonElement? MainContainer(KubeObject pod)
    {
        var name = pod.Root.Items("spec", "containers").Select(static c => c.Text("name")).FirstOrDefault();
        return pod.Root.Items("status", "containerStatuses").Where(c => c.Text("name") == name).Select(static c => (JsonElement?)c).FirstOrDefault();
    }

    private static string WhyWaiting(KubeObject pod)
    {
        foreach (var condition in pod.Root.Items("status", "conditions"))
        {
            if (condition.Text("type") == "PodScheduled" && condition.Text("status") == "False") return $"{pod.Meta.Name}: {condition.Text("message")}";
        }

        foreach (var container in pod.Root.Items("status", "initContainerStatuses").Concat(pod.Root.Items("status", "containerStatuses")))
        {
            if (container.Text("state", "waiting", "reason") is { } reason and not ("ContainerCreating" or "PodInitializing"))
            {
                return $"{pod.Meta.Name}: {container.Text("state", "waiting", "message") ?? reason}";
            }
        }

        return "";
    }

    private static RunOutcome? OutcomeOf(KubeObject job, List<KubeObject> launchers)
    {
        foreach (var condition in job.Root.Items("status", "conditions"))
        {
            if (condition.Text("type") is not ("Succeeded" or "Failed") || condition.Text("status") != "True") continue;
            var codes = launchers.Select(static l => MainContainer(l)?.Integer("state", "terminated", "exitCode")).OfType<long>().ToList();
            return new RunOutcome(condition.Text("type") == "Succeeded", condition.Text("reason") ?? "", condition.Text("message") ?? "", codes.Count > 0 ? (int)codes[^1] : null);
        }

        return null;
    }
}
