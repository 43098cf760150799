using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>The objects by which a gang scheduler starts a run's pods together: there before the first pod, equal to the job, gone with its workers.</summary>
internal static class GangGroup
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

    /// <summary>A gang that nobody has looked at for so long may name a queue that is not there.</summary>
    private static readonly TimeSpan QueueDoubted = TimeSpan.FromMinutes(1);

    /// <returns>False when no pod may be made: the gang could never start. What runs already goes on.</returns>
    public static bool Ensure(Draft draft)
    {
        if (GangBackend.Of(draft) is not { } backend || draft.Run.Suspended) return true;
        var present = Present(draft, backend);
        var kinds = Served(draft, backend);
        var size = GangSize.Of(draft);
        if (Fault(draft, backend, kinds, size) is { } fault)
        {
            Block(draft, fault);
            return !present.IsEmpty || !draft.Scene.Workers.IsEmpty;
        }

        foreach (var kind in kinds)
        {
            var spec = backend.Spec(kind, draft, size);
            if (present.FirstOrDefault(g => g.Kind == kind) is not { } group) draft.Do(new PlanAction.Create(kind, Manifest(draft, kind, spec)) { Alone = true });
            else if (backend.CanChange(kind) && Changes(group.Spec, spec) is { } changes)
            {
                draft.Do(new PlanAction.Patch(kind, draft.Scene.Key(group.Meta.Name), ChildManifest.Patch(group.Meta, "spec", changes)));
            }
        }

        // Whose pods go at the end of a deadline has no gang any more, and its group waits for them again: nobody else does.
        if (!draft.Scene.LauncherStarted && !draft.Scene.Recorded.HasRun) Report(draft, present);
        return true;
    }

    /// <summary>Makes a pod a member of the run's gang, where it has one and the pod is made before the gang starts.</summary>
    /// <param name="later">The pod is made when the others run already.</param>
    public static void Mark(Draft draft, JsonObject podMetadata, JsonObject podSpec, bool later = false)
    {
        if (GangBackend.Of(draft) is { } backend && (!later || backend.TakesLatecomers)) backend.Mark(podMetadata, podSpec, draft.Scene.Profile.GangGroup);
    }

    /// <summary>Takes the group away where the workers are: suspended or finished jobs must hold no place in a queue.</summary>
    public static void Delete(Draft draft)
    {
        foreach (var group in draft.Scene.Seen.GangObjects.Where(g => draft.Scene.Owns(g.Meta) && !g.Meta.Deleting))
        {
            draft.Do(new PlanAction.Delete(group.Kind, draft.Scene.Key(group.Meta.Name), group.Meta.Uid, "no pods are to be scheduled"));
        }
    }

    private static ImmutableArray<GangObjectView> Present(Draft draft, GangBackend backend) =>
        [.. draft.Scene.Seen.GangObjects.Where(g => backend.Kinds.Contains(g.Kind) && draft.Scene.Owns(g.Meta))];

    /// <summary>What of the back end's kinds the cluster serves; of two versions the first, which is the newer.</summary>
    private static ImmutableArray<ResourceKind> Served(Draft draft, GangBackend backend) =>
        [.. backend.Kinds.Where(draft.Scene.Seen.GangKinds.Contains).DistinctBy(static k => k.Kind)];

    private static RunRemark? Fault(Draft draft, GangBackend backend, ImmutableArray<ResourceKind> kinds, GangSize size)
    {
        var run = draft.Run;
        var pods = GangSize.PodsAtOnce(run);
        if (kinds.Length < backend.Kinds.DistinctBy(static k => k.Kind).Count())
        {
            return new RunRemark(
                "GangSchedulerMissing",
                $"gang scheduling by {backend.Name} is asked for and {string.Join(", ", backend.Kinds.Select(static k => k.ToString()).Distinct())} is not served by this cluster; install it, or choose another for this job");
        }

        if (draft.Scene.Options.Strict) return null;
        if (size.Members < backend.LeastMembers)
        {
            return new RunRemark("GangImpossible", $"spec.runPolicy.schedulingPolicy.minAvailable is {size.Members}; {backend.Name} needs {backend.LeastMembers} or more");
        }

        var made = pods > run.Workers.Count ? $"{run.Workers.Count} workers and the launcher" : $"{run.Workers.Count} workers; the launcher is made when they are ready";
        return size.Members > pods
            ? new RunRemark("GangImpossible", $"spec.runPolicy.schedulingPolicy.minAvailable is {size.Members} and only {pods} pods are made at once ({made}): they would wait for ever. Write {pods} or less, or leave it out")
            : null;
    }

    private static JsonObject Manifest(Draft draft, ResourceKind kind, JsonObject spec)
    {
        var manifest = ChildManifest.Of(draft.Scene.Profile, kind, draft.Scene.Profile.GangGroup);
        // The old operator's have none, and some back ends group by label.
        ((JsonObject)manifest["metadata"]!).Remove("labels");
        manifest["spec"] = spec;
        return manifest;
    }

    /// <summary>
    /// What a merge patch must say; null for nothing. Members that we never write are the server's: its defaults (Volcano's queue
    /// <c>default</c>) are no difference.
    /// </summary>
    private static JsonObject? Changes(JsonElement present, JsonObject wanted)
    {
        var changes = new JsonObject();
        foreach (var (name, value) in wanted)
        {
            if (!JsonElement.DeepEquals(present.At(name), JsonElement.Parse(value!.ToUtf8()))) changes[name] = value!.DeepClone();
        }

        if (present.Has("minResources"))
        {
            if (!wanted.ContainsKey("minResources")) changes["minResources"] = null;
            // A resource that is no longer asked for goes too.
            else if (changes["minResources"] is JsonObject resources)
            {
                foreach (var gone in present.Members("minResources"))
                {
                    if (!resources.ContainsKey(gone.Name)) resources[gone.Name] = null;
                }
            }
        }

        if (!wanted.ContainsKey("queue") && present.Text("queue") is { Length: > 0 } queue && queue != "default") changes["queue"] = null;
        if (!wanted.ContainsKey("priorityClassName") && present.Text("priorityClassName") is { Length: > 0 }) changes["priorityClassName"] = null;
        return changes.Count > 0 ? changes : null;
    }

    /// <summary>Says why the group waits: for a queue that nobody has made, or as its back end says. Its reason alone: a back end's own message changes with every try, and each change would be a write.</summary>
    private static void Report(Draft draft, ImmutableArray<GangObjectView> present)
    {
        if (draft.Scene.Seen.Queue == QueueSighting.Missing)
        {
            Block(draft, new RunRemark("QueueMissing", $"there is no Queue {draft.Run.Gang?.Queue}, and the scheduler passes over its pods without a word; create it, or name another one"));
            return;
        }

        if (present.FirstOrDefault(static g => g.Waiting.Length > 0) is not { } group)
        {
            if (draft.Scene.Seen.Queue == QueueSighting.Hidden && present is [var silent, ..]) DoubtQueue(draft, silent);
            return;
        }

        draft.Blocked ??= new RunRemark("GangWaiting", $"{group.Kind.Kind} {group.Meta.Name} is not scheduled yet ({group.Waiting}); kubectl describe {group.Kind.Plural}.{group.Kind.Group} {group.Meta.Name} tells more");
    }

    /// <summary>A queue that cannot be looked for is spoken of when the gang waits and its scheduler says nothing: that is how a missing one shows.</summary>
    private static void DoubtQueue(Draft draft, GangObjectView group)
    {
        if (draft.Scene.Workers.Concat(draft.Scene.LauncherPods).Any(static p => p.ScheduledAt is not null)) return;
        var due = (group.Meta.CreationTimestamp ?? draft.Scene.Now) + QueueDoubted;
        if (draft.Scene.Now < due)
        {
            draft.Revisit(due);
            return;
        }

        var queue = draft.Run.Gang?.Queue;
        Block(draft, new RunRemark("QueueHidden", $"no pod is scheduled, and the scheduler says nothing of {group.Kind.Kind} {group.Meta.Name}, as when there is no Queue {queue}. The operator may not look for it: kubectl get queues.{group.Kind.Group} {queue}"));
    }

    private static void Block(Draft draft, RunRemark fault)
    {
        draft.Blocked = fault with { Message = Texts.Truncate(fault.Message) };
        if (draft.Scene.Recorded.Blocked != draft.Blocked) draft.Say(PlanEvent.Warning(draft.Blocked.Reason, draft.Blocked.Message));
        draft.Revisit(draft.Scene.Now + LookAgain);
    }
}
