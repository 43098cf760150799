using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>One object of any kind, as far as garbage collection looks at it.</summary>
public sealed record GarbageNode(
    ResourceKind Kind, ObjectKey Key, string Uid, string ResourceVersion, ImmutableArray<OwnerReference> Owners, ImmutableArray<string> Finalizers, bool IsDeleting)
{
    public const string ForegroundFinalizer = "foregroundDeletion";
    public const string OrphanFinalizer = "orphan";

    public GarbageNode(ResourceKind kind, ObjectMeta meta)
        : this(kind, meta.Key, meta.Uid, meta.ResourceVersion, meta.OwnerReferences, meta.Finalizers, meta.DeletionTimestamp is not null) { }

    /// <summary>It is deleted after its dependents.</summary>
    public bool WaitsForDependents => IsDeleting && Finalizers.Contains(ForegroundFinalizer);

    /// <summary>It is deleted once its dependents no longer name it as owner.</summary>
    public bool OrphansDependents => IsDeleting && Finalizers.Contains(OrphanFinalizer);

    /// <summary>The object as an Event names it.</summary>
    public KubeObject ToObject() => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = Kind.ApiVersion,
        ["kind"] = Kind.Kind,
        ["metadata"] = new JsonObject { ["name"] = Key.Name, ["namespace"] = Key.Namespace, ["uid"] = Uid, ["resourceVersion"] = ResourceVersion },
    });

    public override string ToString() => $"{Kind} {Key}";
}

/// <summary>What is known of one owner that an object names.</summary>
public enum OwnerState
{
    /// <summary>Not seen; only the API server can tell whether it exists.</summary>
    Unverified,
    Present,
    Absent,

    /// <summary>It exists until its dependents are gone, and so holds none of them.</summary>
    WaitsForDependents,

    /// <summary>Of a kind that is not served, or a namespaced owner of a cluster-scoped object: nobody can tell, so it holds.</summary>
    Unresolvable,
}
