using System.Text.Json;

namespace Kube.Types;

/// <summary>What controllers decide by in a pod, read once from its bytes.</summary>
public sealed class PodView
{
    public PodView(KubeObject pod)
    {
        Object = pod;
        NodeName = Spec.Text("nodeName") ?? "";
        Phase = Status.Text("phase") ?? "Pending";
        IsReady = Status.Items("conditions").Any(static c => c.Text("type") == "Ready" && c.Text("status") == "True");
    }

    public KubeObject Object { get; }
    public ObjectMeta Meta => Object.Meta;
    public JsonElement Spec => Object.Root.At("spec");
    public JsonElement Status => Object.Root.At("status");

    /// <summary>Empty until the pod is bound.</summary>
    public string NodeName { get; }

    public string Phase { get; }

    /// <summary>Whether the condition Ready is true.</summary>
    public bool IsReady { get; }

    /// <summary>Deletion was asked for; the pod may still run.</summary>
    public bool IsTerminating => Meta.DeletionTimestamp is not null;

    /// <summary>Succeeded or Failed: its containers have ended and never start again.</summary>
    public bool IsFinished => Phase is "Succeeded" or "Failed";

    /// <summary>Neither finished nor on its way out.</summary>
    public bool IsActive => !IsFinished && !IsTerminating;

    public string RestartPolicy => Spec.Text("restartPolicy") ?? "Always";

    /// <summary>Restarts of all containers, init containers included.</summary>
    public long RestartCount =>
        Status.Items("initContainerStatuses").Concat(Status.Items("containerStatuses")).Sum(static c => c.Integer("restartCount") ?? 0);

    /// <summary>When the last container ended; null while none of them says so.</summary>
    public DateTimeOffset? ContainersFinishedAt =>
        Status.Items("containerStatuses").Max(static c => c.Time("state", "terminated", "finishedAt"));

    /// <summary>The volume claims it uses, in the order of its volumes.</summary>
    public IEnumerable<PodClaim> Claims
    {
        get
        {
            foreach (var volume in Spec.Items("volumes"))
            {
                if (volume.Text("persistentVolumeClaim", "claimName") is { } claim) yield return new PodClaim(claim, default);
                else if (volume.Has("ephemeral")) yield return new PodClaim($"{Meta.Name}-{volume.Text("name")}", volume.At("ephemeral", "volumeClaimTemplate"));
            }
        }
    }

    public override string ToString() => Object.ToString();
}

/// <summary>A PersistentVolumeClaim that a pod uses, in its own namespace.</summary>
/// <param name="Template">What an ephemeral volume's claim is made from, metadata and spec; undefined for a claim that is not the pod's own.</param>
public readonly record struct PodClaim(string Name, JsonElement Template)
{
    /// <summary>The claim is made for the pod, and goes with it.</summary>
    public bool IsEphemeral => Template.ValueKind != JsonValueKind.Undefined;
}
