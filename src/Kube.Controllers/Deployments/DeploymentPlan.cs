using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>All that a decision about a Deployment rests on.</summary>
/// <param name="Sets">The ReplicaSets it controls.</param>
/// <param name="HasPods">Whether a ReplicaSet has pods that have not ended.</param>
public sealed record ObservedDeployment(DeploymentView Deployment, ImmutableArray<ReplicaSetView> Sets, Func<ReplicaSetView, bool> HasPods, DateTimeOffset Now);

/// <summary>What to do for a Deployment, in the order of the members.</summary>
public sealed record DeploymentPlan
{
    /// <summary>The ReplicaSet of a template that was never seen before.</summary>
    public JsonObject? Create { get; init; }

    /// <summary>ReplicaSets to be scaled or to carry other annotations.</summary>
    public ImmutableArray<SetChange> Change { get; init; } = [];

    /// <summary>The Deployment's own revision annotation; null: as it is.</summary>
    public string? Revision { get; init; }

    /// <summary>History beyond the limit.</summary>
    public ImmutableArray<ReplicaSetView> Delete { get; init; } = [];

    public required JsonObject Status { get; init; }

    /// <summary>When time alone will change the decision.</summary>
    public DateTimeOffset? Again { get; init; }
}

/// <param name="Replicas">Null: as they are.</param>
/// <param name="Annotations">Annotations to set.</param>
public sealed record SetChange(ReplicaSetView Set, int? Replicas, ImmutableSortedDictionary<string, string> Annotations);
