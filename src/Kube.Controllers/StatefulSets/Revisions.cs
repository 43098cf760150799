using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <param name="Current">The revision that pods have which are not to be updated (yet).</param>
/// <param name="Update">The revision of the template as it is now.</param>
/// <param name="CurrentTemplate">The template of <paramref name="Current"/>.</param>
public sealed record RevisionPlan(string Current, string Update, JsonElement CurrentTemplate)
{
    /// <summary>A new ControllerRevision; null when the template was seen before.</summary>
    public JsonObject? Create { get; init; }

    /// <summary>A revision that has become the newest again (a roll back), with its new number.</summary>
    public (KubeObject Revision, long Number)? Renumber { get; init; }

    /// <summary>History beyond the limit, which no pod has.</summary>
    public ImmutableArray<KubeObject> Delete { get; init; } = [];
}

/// <summary>Keeps the history of a StatefulSet's template as ControllerRevisions. Pure.</summary>
internal static class Revisions
{
    private const string HashLabel = "controller.kubernetes.io/hash";

    public static RevisionPlan Plan(StatefulSetView set, ImmutableArray<KubeObject> known, IEnumerable<PodView> pods)
    {
        var history = known.OrderBy(static r => Number(r)).ThenBy(static r => r.Meta.CreationTimestamp).ThenBy(static r => r.Meta.Name, StringComparer.Ordinal).ToList();
        var next = history.Count == 0 ? 1 : Number(history[^1]) + 1;
        var hash = PodTemplate.Hash(set.Template, (int)(set.Status.Integer("collisionCount") ?? 0));
        var data = Data(set);
        var same = history.FindLast(r => JsonElement.DeepEquals(r.Root.At("data"), data));
        var update = same?.Meta.Name ?? $"{set.Meta.Name}-{hash}";

        var current = history.Find(r => r.Meta.Name == set.Status.Text("currentRevision"));
        var plan = new RevisionPlan(current?.Meta.Name ?? update, update, current?.Root.At("data", "spec", "template") ?? set.Template)
        {
            Create = same is null ? Build(set, update, hash, data, next) : null,
            Renumber = same is not null && same != history[^1] ? (same, next) : null,
        };

        var live = pods.Select(StatefulPods.RevisionOf).Append(plan.Current).Append(plan.Update).ToHashSet(StringComparer.Ordinal);
        var old = history.Where(r => !live.Contains(r.Meta.Name)).ToList();
        return plan with { Delete = [.. old.Take(Math.Max(0, old.Count - set.RevisionHistoryLimit))] };
    }

    private static long Number(KubeObject revision) => revision.Root.Integer("revision") ?? 0;

    // A patch that puts the template back as a whole: the form in which kubectl's undo sends it.
    private static JsonElement Data(StatefulSetView set)
    {
        var template = set.Template.ToTree() as JsonObject ?? [];
        template["$patch"] = "replace";
        return JsonElement.Parse(new JsonObject { ["spec"] = new JsonObject { ["template"] = template } }.ToUtf8());
    }

    private static JsonObject Build(StatefulSetView set, string name, string hash, JsonElement data, long number)
    {
        var labels = (set.Template.At("metadata", "labels").ToTree() as JsonObject ?? []).DeepClone().AsObject();
        labels[HashLabel] = hash;
        var meta = new JsonObject
        {
            ["name"] = name,
            ["namespace"] = set.Meta.Namespace,
            ["labels"] = labels,
            ["ownerReferences"] = new JsonArray(OwnerReferences.Controller(set.Object, Kinds.StatefulSet)),
        };
        if (!set.Meta.Annotations.IsEmpty) meta["annotations"] = set.Meta.Annotations.OrderBy(static a => a.Key, StringComparer.Ordinal).ToTree();
        return new JsonObject
        {
            ["apiVersion"] = Kinds.ControllerRevision.ApiVersion,
            ["kind"] = Kinds.ControllerRevision.Kind,
            ["metadata"] = meta,
            ["data"] = data.ToTree(),
            ["revision"] = number,
        };
    }
}
