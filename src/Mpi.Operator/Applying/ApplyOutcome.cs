using System.Collections.Immutable;
using Kube.Types;
using Mpi.Planning;
using PodView = Mpi.Planning.PodView;

namespace Mpi.Operator;

/// <summary>What came of carrying out a plan.</summary>
public sealed record ApplyOutcome
{
    /// <summary>The writes that landed, in the order of their answers.</summary>
    public ImmutableArray<LandedWrite> Landed { get; init; } = [];

    /// <summary>Objects of somebody else that stand where ours should.</summary>
    public ImmutableArray<ForeignObject> Foreign { get; init; } = [];

    /// <summary>Creations that the API refused for good: a quota, an admission rule, a wrong field in a template.</summary>
    public ImmutableArray<RefusedCreation> Refused { get; init; } = [];

    /// <summary>What stopped the plan before its end, and may be gone at the next try; null when it was carried out.</summary>
    public Exception? Trouble { get; init; }

    public bool Complete => Trouble is null && Foreign.IsEmpty && Refused.IsEmpty;
}

/// <summary>A write that the API confirmed. <paramref name="Result"/> is the object as it then stood; null after a deletion.</summary>
public sealed record LandedWrite(ResourceKind Kind, ObjectKey Key, KubeObject? Result)
{
    /// <summary>The uid of the object that was deleted, where the write was a deletion of one.</summary>
    public string? DeletedUid { get; init; }

    /// <summary>Which pods a deletion of many meant, else null.</summary>
    public Func<PodView, bool>? DeletedPods { get; init; }
}

/// <summary>An object with the name of one of ours that another owner controls, or none. <paramref name="Object"/> is null where we must not read it.</summary>
public sealed record ForeignObject(ResourceKind Kind, ObjectKey Key, KubeObject? Object);

/// <summary>A creation that trying again does not mend.</summary>
public sealed record RefusedCreation(ResourceKind Kind, ObjectKey Key, ApiStatus Status)
{
    /// <summary>In the words that the planner's messages begin with (spec/kubeflow-mpijob.md 2.7).</summary>
    public RefusedWrite ToRefusedWrite() => new(
        Kind == Kinds.Pod ? "worker pod" : Kind == Kinds.Job ? "launcher Job" : $"{Kind.Kind} {Key.Name}", Status.Message);
}
