using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>An object that a gang scheduler reads: a PodGroup, or the Workload that one is made from.</summary>
/// <param name="Spec">As the server holds it, its defaults included.</param>
/// <param name="Waiting">Why the group is not scheduled, as its back end's reason; empty while there is nothing to say.</param>
public sealed record GangObjectView(ResourceKind Kind, ChildMeta Meta, JsonElement Spec, string Waiting)
{
    /// <summary>As far as its back end tells.</summary>
    public GangState State { get; init; } = new("", 0, 0, 0);

    public static GangObjectView Read(ResourceKind kind, JsonElement root)
    {
        // Volcano says condition Unschedulable True, the in-tree scheduler PodGroupScheduled False.
        var waiting = root.Items("status", "conditions").FirstOrDefault(static c =>
            (c.Text("type") == "Unschedulable" && c.Text("status") == "True") || (c.Text("type") == "PodGroupScheduled" && c.Text("status") == "False"));
        var status = root.At("status");
        return new GangObjectView(kind, ChildMeta.Read(root), root.At("spec").Clone(), waiting.Has() ? waiting.Text("reason") ?? waiting.Text("type")! : "")
        {
            State = new GangState(status.Text("phase") ?? "", (int)(status.Integer("running") ?? 0), (int)(status.Integer("succeeded") ?? 0), (int)(status.Integer("failed") ?? 0)),
        };
    }
}
