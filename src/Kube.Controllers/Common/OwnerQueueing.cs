using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Which keys a change of an owned object touches: its controller's, before and after, and those of everybody who would adopt it when
/// nobody controls it. The counterpart of <see cref="Claims"/>.
/// </summary>
internal static class OwnerQueueing
{
    /// <param name="ownerOf">The key of the owner of the queue's kind, where an object has one.</param>
    /// <param name="ownersIn">The possible owners of a namespace, each with what it selects.</param>
    public static void QueueOwners<T>(
        this Store<T> owned, WorkQueue<ObjectKey> queue, Func<T, ObjectMeta> meta, Func<T, ObjectKey?> ownerOf, Func<string, IEnumerable<(ObjectMeta Meta, LabelSelector Selector)>> ownersIn)
        where T : class => owned.Subscribe(change =>
        {
            if (change.Old is not null && ownerOf(change.Old) is { } before) queue.Add(before);
            if (change.New is null) return;
            if (ownerOf(change.New) is { } after) queue.Add(after);
            if (meta(change.New) is not { Controller: null } orphan) return;
            foreach (var owner in ownersIn(orphan.Namespace))
            {
                if (owner.Selector.Matches(orphan.Labels)) queue.Add(owner.Meta.Key);
            }
        });

    /// <summary>The controller of an object, if it is of this kind.</summary>
    public static ObjectKey? ControllerOf(ObjectMeta meta, ResourceKind kind) =>
        meta.Controller is { } owner && owner.Kind == kind.Kind && owner.ApiVersion == kind.ApiVersion ? new ObjectKey(meta.Namespace, owner.Name) : null;
}
