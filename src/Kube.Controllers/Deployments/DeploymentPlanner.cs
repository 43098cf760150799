using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Decides what a Deployment needs. Pure. In reading order: which ReplicaSet has the template, what number it has in the history,
/// how many pods each set is to have now, which old sets are forgotten, and what the status says.
/// </summary>
public static class DeploymentPlanner
{
    public const string HashLabel = "pod-template-hash";
    private const string MaxAnnotation = "deployment.kubernetes.io/max-replicas";
    private const string HistoryAnnotation = "deployment.kubernetes.io/revision-history";

    // Annotations that are a Deployment's own and do not go to its ReplicaSets.
    private static readonly ImmutableHashSet<string> Own =
    [
        "kubectl.kubernetes.io/last-applied-configuration", ReplicaSetView.RevisionAnnotation, HistoryAnnotation, ReplicaSetView.DesiredAnnotation, MaxAnnotation,
    ];

    public static DeploymentPlan Plan(ObservedDeployment seen)
    {
        var deployment = seen.Deployment;
        var newSet = seen.Sets.Where(s => HasTemplate(s, deployment)).OrderBy(static s => s.Meta.CreationTimestamp).ThenBy(static s => s.Meta.Name, StringComparer.Ordinal).FirstOrDefault();
        ImmutableArray<ReplicaSetView> old = [.. seen.Sets.Where(s => s != newSet).OrderBy(static s => s.Meta.CreationTimestamp).ThenBy(static s => s.Meta.Name, StringComparer.Ordinal)];
        if (deployment.Meta.DeletionTimestamp is not null) return new DeploymentPlan { Status = DeploymentStatus.Of(seen, newSet, created: null) };

        var scales = new Dictionary<ReplicaSetView, int>();
        JsonObject? created = null;
        var revision = old.Select(static s => s.Revision).DefaultIfEmpty(0).Max() + 1;
        if (newSet is null && !deployment.IsPaused && !(deployment.Recreates && old.Any(s => s.Replicas > 0 || seen.HasPods(s))))
        {
            created = Build(deployment, revision, DeploymentScaling.OfNewSet(deployment, seen.Sets, null));
        }

        if (DeploymentScaling.IsScaled(deployment, seen.Sets) || deployment.IsPaused) DeploymentScaling.Spread(deployment, newSet, old, scales);
        else if (deployment.Recreates) DeploymentScaling.Recreate(deployment, newSet, old, seen.HasPods, scales);
        else DeploymentScaling.Roll(deployment, newSet, old, seen.Sets, scales);

        var changes = seen.Sets.Select(s => Change(deployment, s, s == newSet && !deployment.IsPaused ? revision : null, scales.TryGetValue(s, out var n) ? n : null)).OfType<SetChange>();
        var number = newSet is null ? created is null ? null : $"{revision}" : deployment.IsPaused ? null : $"{Math.Max(revision, newSet.Revision)}";
        var (status, again) = DeploymentStatus.WithConditions(seen, newSet, created, DeploymentStatus.Of(seen, newSet, created));
        return new DeploymentPlan
        {
            Create = created,
            Change = [.. changes],
            Revision = number == deployment.Meta.Annotations.GetValueOrDefault(ReplicaSetView.RevisionAnnotation) ? null : number,
            Delete = Forgotten(deployment, newSet, old),
            Status = status,
            Again = again,
        };
    }

    private static bool HasTemplate(ReplicaSetView set, DeploymentView deployment)
    {
        var tree = set.Template.ToTree() as JsonObject ?? [];
        if (tree["metadata"] is JsonObject meta && meta["labels"] is JsonObject labels)
        {
            labels.Remove(HashLabel);
            if (labels.Count == 0) meta.Remove("labels");
        }

        return PodTemplate.Hash(JsonElement.Parse(tree.ToUtf8()), 0) == PodTemplate.Hash(deployment.Template, 0);
    }

    private static JsonObject Build(DeploymentView deployment, long revision, int replicas)
    {
        var hash = PodTemplate.Hash(deployment.Template, (int)(deployment.Status.Integer("collisionCount") ?? 0));
        var template = deployment.Template.ToTree() as JsonObject ?? [];
        var labels = template.Object("metadata").Object("labels");
        labels[HashLabel] = hash;
        var selector = deployment.Object.Root.At("spec", "selector").ToTree() as JsonObject ?? [];
        selector.Object("matchLabels")[HashLabel] = hash;
        var annotations = deployment.Meta.Annotations.Where(static a => !Own.Contains(a.Key)).OrderBy(static a => a.Key, StringComparer.Ordinal).ToTree();
        foreach (var (key, value) in Marks(deployment, revision)) annotations[key] = value;
        var spec = new JsonObject { ["replicas"] = replicas, ["selector"] = selector, ["template"] = template };
        if (deployment.MinReadySeconds > 0) spec["minReadySeconds"] = deployment.MinReadySeconds;
        return new JsonObject
        {
            ["apiVersion"] = Kinds.ReplicaSet.ApiVersion,
            ["kind"] = Kinds.ReplicaSet.Kind,
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{deployment.Meta.Name}-{hash}",
                ["namespace"] = deployment.Meta.Namespace,
                ["labels"] = labels.DeepClone(),
                ["annotations"] = annotations,
                ["ownerReferences"] = new JsonArray(OwnerReferences.Controller(deployment.Object, Kinds.Deployment)),
            },
            ["spec"] = spec,
        };
    }

    private static ImmutableSortedDictionary<string, string> Marks(DeploymentView deployment, long? revision)
    {
        var marks = ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal)
            .Add(ReplicaSetView.DesiredAnnotation, $"{deployment.Replicas}")
            .Add(MaxAnnotation, $"{deployment.Replicas + deployment.MaxSurge}");
        return revision is { } number ? marks.Add(ReplicaSetView.RevisionAnnotation, $"{number}") : marks;
    }

    /// <param name="revision">The number that the set has at least; null for old sets, which keep theirs.</param>
    private static SetChange? Change(DeploymentView deployment, ReplicaSetView set, long? revision, int? replicas)
    {
        if (replicas == set.Replicas) replicas = null;
        var has = set.Meta.Annotations;
        var marks = ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal);
        // Old sets learn of a new size when they are scaled, the newest at once: by that a change of size is recognised.
        if (replicas is not null || (revision is not null && set.Replicas > 0) || deployment.IsPaused) marks = Marks(deployment, null);
        if (revision is { } number)
        {
            marks = marks.AddRange(deployment.Meta.Annotations.Where(a => !Own.Contains(a.Key)));
            if (set.Revision < number)
            {
                marks = marks.SetItem(ReplicaSetView.RevisionAnnotation, $"{number}");
                // A set that comes back remembers the numbers it had.
                if (set.Revision > 0) marks = marks.SetItem(HistoryAnnotation, has.TryGetValue(HistoryAnnotation, out var before) && before.Length > 0 ? $"{before},{set.Revision}" : $"{set.Revision}");
            }
        }

        marks = marks.RemoveRange(marks.Where(m => has.GetValueOrDefault(m.Key) == m.Value).Select(static m => m.Key));
        return replicas is null && marks.IsEmpty ? null : new SetChange(set, replicas, marks);
    }

    private static ImmutableArray<ReplicaSetView> Forgotten(DeploymentView deployment, ReplicaSetView? newSet, ImmutableArray<ReplicaSetView> old)
    {
        // Only once the roll-out is complete: until then any of them may be gone back to.
        if (newSet is null || newSet.Available < deployment.Replicas || newSet.Present != deployment.Replicas || deployment.IsPaused) return [];
        var idle = old.Where(static s => s is { Replicas: 0, Present: 0, IsObserved: true, Meta.DeletionTimestamp: null }).OrderBy(static s => s.Revision).ToList();
        return [.. idle.Take(Math.Max(0, idle.Count - deployment.RevisionHistoryLimit))];
    }
}
