using Kube.Types;
using Mpi.Model;
using Mpi.Planning;

namespace Mpi.Testing;

/// <summary>The host list names the launcher where it runs ranks, and every worker that takes part, in order, when a launch begins and at rest; and every worker before it is made.</summary>
internal sealed class HostsAreWorkers(PlanningOptions options) : Checker
{
    public override void Changed(Change change, ClusterView view)
    {
        CheckMade(change, view);
        if (change.Kind != Kinds.Pod || change.After is not { } pod || pod.Root.Text("status", "phase") != "Running" || change.Before?.Root.Text("status", "phase") == "Running") return;
        if (view.JobOf(pod) is { Run: { } run } job && job.PartOf(pod) is { IsLauncher: true } && !job.IsOver && (view.Now - job.EditedAt >= Lag || job.Object.Meta.Generation <= 1)) Check(job, run, view, $"{pod} starts");
    }

    public override void Rested(ClusterView view)
    {
        foreach (var job in view.Jobs)
        {
            if (job is { Run: { Suspended: false } run, IsOver: false, Recorded: { Announced: true, Blocked: null, Invalid: null } }) Check(job, run, view, "all is at rest");
        }
    }

    private void CheckMade(Change change, ClusterView view)
    {
        if (!change.IsOperators || change.Kind != Kinds.Pod || change.Before is not null || view.JobOf(change.After!) is not { Run: { } run } job || job.PartOf(change.After!) is not { Worker: { } index }) return;
        if (Listed(job, run, view) is { } listed && !listed.Contains(job.Profile.Host(job.Profile.Worker(index), options.ClusterDomain))) throw Broken($"{change.After} was made, and the host list of {job} names only {string.Join(", ", listed)}");
    }

    private void Check(JobView job, MpiRun run, ClusterView view, string when)
    {
        if (Listed(job, run, view) is not { } listed) return;
        string[] wanted = [.. run.Launcher.RunsRanks ? [job.Profile.Host(job.Profile.LauncherHost, options.ClusterDomain)] : (string[])[], .. job.Members.Select(i => job.Profile.Host(job.Profile.Worker(i), options.ClusterDomain))];
        if (!wanted.SequenceEqual(listed)) throw Broken($"{when}, and the host list of {job} names {string.Join(", ", listed)} instead of {string.Join(", ", wanted)}");
    }

    /// <summary>Null for no list: somebody may have taken it away, and the operator, which does not watch ConfigMaps, finds out when it asks next.</summary>
    private static string[]? Listed(JobView job, MpiRun run, ClusterView view)
    {
        var file = job.Dialect.Wiring(run).Files.First(static f => f.Content is ConfigContent.Hosts);
        return view.Find(Kinds.ConfigMap, new ObjectKey(job.Object.Meta.Namespace, file.Map ?? job.Profile.ConfigMap))?.Root.Text("data", file.Key) is { } text
            ? [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static line => line[0] != '#').Select(static line => line.Split(' ', ':')[0])]
            : null;
    }
}
