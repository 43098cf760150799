using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>DELETE: at once, after a grace period, or once the last finalizer is gone.</summary>
internal static class Deletion
{
    private const string OrphanFinalizer = "orphan";
    private const string ForegroundFinalizer = "foregroundDeletion";

    /// <returns>The object, and whether it is gone now.</returns>
    public static (StoredObject Object, bool Gone) Delete(WriteContext context, DeletionOptions options, CancellationToken cancellation)
    {
        var (call, strategy, store) = (context.Call, context.Strategy, context.Server.Store);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (store.Find(call.Resource.Objects, call.Key) is not { } current) throw Failures.NotFound(context.Kind, call.Name!);
            CheckPreconditions(current, options, context);

            var old = Drafting.Open(current, strategy);
            Admission.CheckDeletion(old, context);
            var marked = (JsonObject)old.DeepClone();
            SetFinalizers(marked, options.Propagation);
            var waits = SetDeletion(marked, strategy.GraceSeconds(old, options.GraceSeconds), options.GraceSeconds, context);
            if (JsonNode.DeepEquals(marked, old)) return (current, false);
            if (context.DryRun || options.DryRun) return (Drafting.Pretend(call.Key, marked, current.Bytes.Owners, current, strategy), !waits);

            if (waits) strategy.PrepareForDeletion(marked);
            if (Committing.TryCommit(context, call.Key, current, old, waits ? marked : null, current.Bytes.Owners) is { } committed) return (committed, !waits);
        }
    }

    /// <summary>Whether nothing holds a deleted object any more: its grace is over and its finalizers are gone.</summary>
    public static bool IsFinished(JsonObject obj, KindStrategy strategy) =>
        obj.Text("metadata", "deletionTimestamp") is not null
        && (obj.Integer("metadata", "deletionGracePeriodSeconds") ?? 0) == 0
        && !strategy.IsHeld(obj);

    private static void CheckPreconditions(StoredObject current, DeletionOptions options, WriteContext context)
    {
        if (options.Uid is { } uid && uid != current.Header.Uid)
        {
            throw Failures.Conflict(context.Kind, context.Call.Name!,
                $"the UID in the precondition ({uid}) does not match the UID in record ({current.Header.Uid}). The object might have been deleted and then recreated");
        }

        if (options.ResourceVersion is { } revision && revision != current.Revision.ToString())
        {
            throw Failures.Conflict(context.Kind, context.Call.Name!,
                $"the ResourceVersion in the precondition ({revision}) does not match the ResourceVersion in record ({current.Revision}). The object might have been modified");
        }
    }

    /// <summary>The garbage collector finds out by these two finalizers what is to happen to the dependents.</summary>
    private static void SetFinalizers(JsonObject obj, string? propagation)
    {
        if (propagation is null) return;
        var meta = obj.Object("metadata");
        var kept = meta.Texts("finalizers").Where(static f => f is not (OrphanFinalizer or ForegroundFinalizer)).ToList();
        if (propagation == "Orphan") kept.Add(OrphanFinalizer);
        if (propagation == "Foreground") kept.Add(ForegroundFinalizer);
        if (kept.Count > 0) meta["finalizers"] = kept.ToTree();
        else meta.Remove("finalizers");
    }

    /// <summary>Sets or shortens the time of deletion. True when the object stays for now.</summary>
    private static bool SetDeletion(JsonObject obj, long? grace, long? asked, WriteContext context)
    {
        var meta = obj.Object("metadata");
        var held = context.Strategy.IsHeld(obj);
        var wait = grace ?? 0;
        if (meta.Text("deletionTimestamp") is { } already)
        {
            var before = meta.Integer("deletionGracePeriodSeconds") ?? 0;
            // A second deletion can only shorten the grace, and without a word about it changes nothing.
            if (grace is null || asked is null || wait >= before) return held || before > 0;
            var requestedAt = (Time(already) ?? context.Now) - TimeSpan.FromSeconds(before);
            meta["deletionTimestamp"] = KubeTime.Format(requestedAt + TimeSpan.FromSeconds(wait));
            meta["deletionGracePeriodSeconds"] = wait;
            return held || wait > 0;
        }

        meta["deletionTimestamp"] = KubeTime.Format(context.Now + TimeSpan.FromSeconds(wait));
        meta["deletionGracePeriodSeconds"] = wait;
        if (context.Strategy.HasGeneration && meta.Integer("generation") is { } generation) meta["generation"] = generation + 1;
        return held || wait > 0;
    }

    private static DateTimeOffset? Time(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
