using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning.Tests;

/// <summary>A plan as YAML, for people to review.</summary>
internal static class PlanYaml
{
    public static string Write(Plan plan)
    {
        var tree = new JsonObject();
        if (!plan.Confirm.IsEmpty) tree["confirm"] = plan.Confirm.Select(static c => $"{c.Kind.Kind} {c.Key.Name}").ToTree();
        if (plan.StatusFirst) tree["statusFirst"] = true;
        if (plan.StatusFirst) Status();
        if (!plan.Actions.IsEmpty) tree["actions"] = new JsonArray([.. plan.Actions.Select(Action)]);
        if (!plan.StatusFirst) Status();
        if (!plan.Events.IsEmpty) tree["events"] = plan.Events.Select(static e => $"{e.Type} {e.Reason}: {e.Message}").ToTree();
        if (!plan.Counters.IsEmpty) tree["counters"] = plan.Counters.Select(static c => c.ToString()).ToTree();
        if (plan.RevisitAt is { } at) tree["revisitAt"] = KubeTime.Format(at);
        return tree.Count == 0 ? "# nothing to do\n" : Yaml.Write(JsonElement.Parse(tree.ToUtf8()));

        void Status()
        {
            if (plan.Status is not null) tree["status"] = plan.Status.DeepClone();
        }
    }

    private static JsonNode Action(PlanAction action) => action switch
    {
        PlanAction.Create create => new JsonObject { ["create"] = create.Manifest.DeepClone() },
        PlanAction.CreateKeys create => new JsonObject { [$"create{create.Keys}Keys"] = create.SecretWithoutData.DeepClone() },
        PlanAction.ReplaceKeys replace => new JsonObject { [$"replace{replace.Keys}Keys"] = replace.Key.Name },
        PlanAction.Patch patch => new JsonObject { ["patch"] = $"{patch.Kind.Kind} {patch.Key.Name}{(patch.Subresource is { } sub ? $"/{sub}" : "")}", ["with"] = patch.MergePatch.DeepClone() },
        PlanAction.Delete delete => new JsonObject { ["delete"] = $"{delete.Kind.Kind} {delete.Key.Name}", ["uid"] = delete.Uid, ["why"] = delete.Why, ["propagation"] = delete.Propagation },
        PlanAction.DeletePods delete => new JsonObject { ["deletePods"] = delete.LabelSelector, ["fields"] = delete.FieldSelector, ["why"] = delete.Why },
        _ => throw new InvalidOperationException(action.ToString()),
    };
}
