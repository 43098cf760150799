using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Carries out a <see cref="StatefulSetPlan"/>, in the order of its members. Safe to break off anywhere.</summary>
internal sealed class StatefulSetApplier(IKubeClient client, EventRecorder events, TimeProvider time)
{
    public async Task ApplyAsync(ObservedStatefulSet seen, StatefulSetPlan plan, OwnWrites writes, CancellationToken cancellation)
    {
        var set = seen.Set;
        await ApplyAsync(plan.Revisions, writes, cancellation);
        foreach (var (claim, owners) in plan.Reown) await ReownAsync(claim, owners, writes, cancellation);
        foreach (var claim in plan.CreateClaims)
        {
            await CreateAsync(
                set, Kinds.PersistentVolumeClaim, claim.Tree, $"Claim {claim.Name} for Pod {claim.Pod} in StatefulSet {set.Meta.Name}",
                $"Claim {claim.Name} Pod {claim.Pod} in StatefulSet {set.Meta.Name} success", writes, cancellation);
        }

        ApiException? taken = null;
        foreach (var pod in plan.Create)
        {
            var what = $"Pod {pod.Name} in StatefulSet {set.Meta.Name}";
            taken = await CreateAsync(set, Kinds.Pod, pod.Tree, what, $"{what} successful", writes, cancellation) ?? taken;
        }

        foreach (var doomed in plan.Delete) await DeleteAsync(set, doomed, writes, cancellation);
        await StatusUpdate.WriteAsync(client, Kinds.StatefulSet, set.Object, plan.Status, writes, time, cancellation);
        // A stranger's pod goes without a word to this set: it is tried again, less and less often, as Kubernetes does.
        if (taken is not null) throw taken;
    }

    private async Task ApplyAsync(RevisionPlan plan, OwnWrites writes, CancellationToken cancellation)
    {
        if (plan.Create is { } made)
        {
            try
            {
                writes.Add(Kinds.ControllerRevision, await client.CreateAsync(Kinds.ControllerRevision, KubeObject.From(made), cancellation), time.GetUtcNow());
            }
            catch (ApiException e) when (e.IsAlreadyExists)
            {
                // Made by the pass before, whose answer was lost: its event is on the way.
            }
        }

        if (plan.Renumber is var (revision, number))
        {
            var tree = revision.ToTree();
            tree["revision"] = number;
            writes.Add(Kinds.ControllerRevision, await client.UpdateAsync(Kinds.ControllerRevision, KubeObject.From(tree), null, cancellation), time.GetUtcNow());
        }

        foreach (var old in plan.Delete)
        {
            await Deletion.IfThereAsync(client, Kinds.ControllerRevision, old.Meta, cancellation);
        }
    }

    private async Task ReownAsync(KubeObject claim, JsonArray owners, OwnWrites writes, CancellationToken cancellation)
    {
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = claim.Meta.Uid, ["resourceVersion"] = claim.Meta.ResourceVersion, ["ownerReferences"] = owners.DeepClone() } };
        writes.Add(Kinds.PersistentVolumeClaim, await client.PatchAsync(Kinds.PersistentVolumeClaim, claim.Meta.Namespace, claim.Meta.Name, Patch.Merge(patch), null, cancellation), time.GetUtcNow());
    }

    /// <summary>One that is there already is no failure of this pass: a claim is its pod's whoever made it, and a pod's event is on the way, or the pod is somebody else's.</summary>
    /// <param name="what">For the event of a failure, such as <c>Pod web-0 in StatefulSet web</c>.</param>
    /// <param name="success">For the event of a success: Kubernetes words those of claims and of pods differently.</param>
    /// <returns>What the server said where the name is taken.</returns>
    private async Task<ApiException?> CreateAsync(StatefulSetView set, ResourceKind kind, JsonObject tree, string what, string success, OwnWrites writes, CancellationToken cancellation)
    {
        try
        {
            writes.Add(kind, await client.CreateAsync(kind, KubeObject.From(tree), cancellation), time.GetUtcNow());
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            return e;
        }
        catch (ApiException e) when (e.Responsibility is Responsibility.User or Responsibility.Administrator)
        {
            await events.RecordAsync(set.Object, "Warning", "FailedCreate", $"Create {what} failed error: {e.Message}", cancellation);
            throw;
        }

        await events.RecordAsync(set.Object, "Normal", "SuccessfulCreate", $"Create {success}", cancellation);
        return null;
    }

    private async Task DeleteAsync(StatefulSetView set, DoomedPod doomed, OwnWrites writes, CancellationToken cancellation)
    {
        if (writes.IsDeleted(doomed.Pod.Meta.Uid)) return;
        if (doomed.News is var (type, reason, message)) await events.RecordAsync(set.Object, type, reason, message, cancellation);
        if (!await Deletion.IfThereAsync(client, Kinds.Pod, doomed.Pod.Meta, cancellation)) return;
        writes.AddDeletion(doomed.Pod.Meta.Uid);
        await events.RecordAsync(set.Object, "Normal", "SuccessfulDelete", $"Delete Pod {doomed.Pod.Meta.Name} in StatefulSet {set.Meta.Name} successful", cancellation);
    }
}
