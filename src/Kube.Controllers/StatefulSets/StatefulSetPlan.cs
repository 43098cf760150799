using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>All that a decision about a StatefulSet rests on.</summary>
/// <param name="Pods">The pods this set controls, in whatever state.</param>
/// <param name="Revisions">The ControllerRevisions it controls.</param>
/// <param name="FindClaim">The volume claim of a name in the set's namespace; null when there is none.</param>
public sealed record ObservedStatefulSet(
    StatefulSetView Set, ImmutableArray<PodView> Pods, ImmutableArray<KubeObject> Revisions, Func<string, KubeObject?> FindClaim, DateTimeOffset Now);

/// <summary>What to do for a StatefulSet, in the order of the members.</summary>
public sealed record StatefulSetPlan
{
    public required RevisionPlan Revisions { get; init; }

    /// <summary>Claims whose owners follow the retention policy: each with the owner references it is to have.</summary>
    public ImmutableArray<(KubeObject Claim, JsonArray Owners)> Reown { get; init; } = [];

    public ImmutableArray<NewClaim> CreateClaims { get; init; } = [];
    public ImmutableArray<NewPod> Create { get; init; } = [];
    public ImmutableArray<DoomedPod> Delete { get; init; } = [];

    public required JsonObject Status { get; init; }

    /// <summary>When time alone will change the decision.</summary>
    public DateTimeOffset? Again { get; init; }
}

/// <param name="Pod">The pod that it is made for.</param>
public sealed record NewClaim(string Name, string Pod, JsonObject Tree);

/// <param name="News">A word to say before the deletion, beside the usual one; null for none.</param>
public sealed record DoomedPod(PodView Pod, (string Type, string Reason, string Message)? News = null);
