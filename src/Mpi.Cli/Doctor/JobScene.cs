using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;
using Mpi.Planning;

namespace Mpi.Cli;

/// <summary>A job with everything that tells how it fares.</summary>
/// <param name="Job">The MPI job.</param>
/// <param name="Owners">The batch Jobs and StatefulSets that it owns.</param>
/// <param name="Pods">Its pods and those of its owners.</param>
/// <param name="Warnings">Events about any of these, the newest last.</param>
/// <param name="Logs">The last lines of the containers that have something to tell, by <c>pod/container</c>.</param>
public sealed record JobScene(KubeObject Job, ImmutableArray<KubeObject> Owners, ImmutableArray<KubeObject> Pods, ImmutableArray<KubeObject> Warnings, ImmutableSortedDictionary<string, string> Logs)
{
    private const int LogLines = 12;
    private const int LogsMax = 4;

    /// <param name="findings">Gets what may not be looked at.</param>
    /// <returns>Null where there is no such job.</returns>
    public static async Task<JobScene?> LoadAsync(KubeClient client, ResourceKind kind, string ns, string name, Findings findings, CancellationToken cancellation)
    {
        if (await FindAsync(client, kind, ns, name, cancellation) is not { } job) return null;
        var owners = new List<KubeObject>();
        var pods = new List<KubeObject>();
        var warnings = new List<KubeObject>();
        foreach (var owner in (ResourceKind[])[Kinds.Job, Kinds.StatefulSet])
        {
            await findings.LookAsync($"the {owner.Kind}s of namespace {ns}", async () => owners.AddRange((await ListAsync(client, owner, ns, cancellation)).Where(o => o.Meta.Controller?.Uid == job.Meta.Uid)));
        }

        var uids = owners.Select(static o => o.Meta.Uid).Append(job.Meta.Uid).ToHashSet(StringComparer.Ordinal);
        await findings.LookAsync($"the pods of namespace {ns}", async () => pods.AddRange((await ListAsync(client, Kinds.Pod, ns, cancellation)).Where(p => p.Meta.Controller is { } owner && uids.Contains(owner.Uid))));
        uids.UnionWith(pods.Select(static p => p.Meta.Uid));
        await findings.LookAsync($"the events of namespace {ns}", async () => warnings.AddRange((await ListAsync(client, Kinds.Event, ns, cancellation))
            .Where(e => e.Root.Text("type") == "Warning" && uids.Contains(e.Root.Text("involvedObject", "uid") ?? ""))
            .OrderBy(static e => e.Root.Time("lastTimestamp") ?? e.Meta.CreationTimestamp)));

        var logs = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (pod, container) in pods.SelectMany(Talkative).Take(LogsMax))
        {
            await findings.LookAsync($"the log of {pod}", async () =>
            {
                await using var log = await client.OpenLogAsync(ns, pod, new LogOptions(container, TailLines: LogLines), cancellation);
                using var reader = new StreamReader(log);
                logs[$"{pod}/{container}"] = (await reader.ReadToEndAsync(cancellation)).TrimEnd();
            });
        }

        return new JobScene(job, [.. owners], [.. pods], [.. warnings], logs.ToImmutable());
    }

    /// <summary>Containers that failed, and a gate that waits.</summary>
    private static IEnumerable<(string Pod, string Container)> Talkative(KubeObject pod) =>
        from c in pod.Root.Items("status", "initContainerStatuses").Concat(pod.Root.Items("status", "containerStatuses"))
        where c.Integer("state", "terminated", "exitCode") is > 0 || c.Integer("lastState", "terminated", "exitCode") is > 0 || (c.Text("name") == PlanningNames.GateContainer && c.Has("state", "running"))
        select (pod.Meta.Name, c.Text("name") ?? "");

    private static async Task<KubeObject?> FindAsync(KubeClient client, ResourceKind kind, string ns, string name, CancellationToken cancellation)
    {
        try
        {
            return await client.GetAsync(kind, ns, name, cancellation);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private static async Task<IReadOnlyList<KubeObject>> ListAsync(KubeClient client, ResourceKind kind, string ns, CancellationToken cancellation) =>
        (await client.ListAsync(kind, ns, new ListOptions(), cancellation)).Items;
}
