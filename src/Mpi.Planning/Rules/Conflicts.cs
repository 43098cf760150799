using System.Collections.Immutable;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// Objects of others that stand where ours should. Nothing unowned is ever touched: the run says so and waits, nothing of
/// it is made, and when the name is free it goes on.
/// </summary>
internal static class Conflicts
{
    /// <summary>How soon to look again where no watch tells that the name is free.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookAgainSoon = TimeSpan.FromSeconds(2);

    /// <returns>True when a name is taken.</returns>
    public static bool Find(Draft draft)
    {
        var scene = draft.Scene;
        var taken = Taken(draft).ToImmutableArray();
        if (taken.IsEmpty) return false;

        // The children of a deleted job of the same name are being collected: that is no conflict but a matter of seconds.
        var age = scene.Now - (scene.Seen.Job.Meta.CreationTimestamp ?? scene.Now);
        if (taken.All(t => IsLeaving(draft, t.Meta)) && age < LookAgain)
        {
            draft.Revisit(scene.Now + LookAgainSoon);
            return true;
        }

        var (kind, meta) = taken.First(t => !IsLeaving(draft, t.Meta) || age >= LookAgain);
        var remark = new RunRemark("ErrResourceExists", $"Resource \"{meta.Name}\" of Kind \"{kind}\" already exists and is not managed by {scene.Profile.JobKind.Kind}");
        draft.Blocked = remark;
        if (scene.Recorded.Blocked != remark) draft.Say(PlanEvent.Warning(remark.Reason, remark.Message));
        draft.Revisit(scene.Now + LookAgain);
        return true;
    }

    private static IEnumerable<(string Kind, ChildMeta Meta)> Taken(Draft draft)
    {
        var scene = draft.Scene;
        if (scene.Seen.Service is { } service && !scene.Owns(service.Meta)) yield return (Kinds.Service.Kind, service.Meta);
        if (draft.Uses(Transport.Agent) && scene.Seen.AgentService is { } agent && !scene.Owns(agent.Meta)) yield return (Kinds.Service.Kind, agent.Meta);
        foreach (var map in scene.Seen.ConfigMaps.Values.Where(m => !scene.Owns(m.Meta)).OrderBy(static m => m.Meta.Name, StringComparer.Ordinal)) yield return (Kinds.ConfigMap.Kind, map.Meta);
        if (scene.Seen.Secret is { } secret && !scene.Owns(secret.Meta)) yield return (Kinds.Secret.Kind, secret.Meta);
        if (ExecAccess.IsUsed(draft))
        {
            if (scene.Seen.LauncherAccount is { } account && !scene.Owns(account)) yield return (Kinds.ServiceAccount.Kind, account);
            if (scene.Seen.LauncherRole is { } role && !scene.Owns(role.Meta)) yield return (Kinds.Role.Kind, role.Meta);
            if (scene.Seen.LauncherBinding is { } binding && !scene.Owns(binding)) yield return (Kinds.RoleBinding.Kind, binding);
        }

        if (scene.Seen.Launcher is { } launcher && !scene.Owns(launcher.Meta)) yield return (Kinds.Job.Kind, launcher.Meta);
        foreach (var group in scene.Seen.GangObjects.Where(g => GangBackend.Of(draft)?.Kinds.Contains(g.Kind) == true && !scene.Owns(g.Meta))) yield return (group.Kind.Kind, group.Meta);
        foreach (var named in draft.Workers.Named(scene).Where(n => !scene.Owns(n.Meta))) yield return named;
        foreach (var pod in scene.Seen.Workers)
        {
            if (!scene.Owns(pod) && scene.Profile.WorkerIndex(pod.Meta.Name) < draft.Run.Workers.Count) yield return (Kinds.Pod.Kind, pod.Meta);
        }
    }

    /// <summary>A child of a namesake, or of its StatefulSet; somebody else's StatefulSet of that name is taken for itself.</summary>
    private static bool IsLeaving(Draft draft, ChildMeta meta) =>
        meta.Deleting || meta.OwnerName == $"{draft.Scene.Profile.JobKind.Kind}/{draft.Scene.Profile.Job.Name}" || meta.OwnerName == $"{Kinds.StatefulSet.Kind}/{draft.Scene.Profile.WorkerSet}";
}
