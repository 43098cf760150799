using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>A pod that says nothing about nodes that fail stays on such a node for five minutes.</summary>
internal sealed class DefaultTolerationSeconds : AdmissionRule
{
    private const long Seconds = 300;
    private static readonly string[] Taints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

    public override void AdmitUpdate(JsonObject obj, JsonObject old, WriteContext context) => Admit(obj, context);

    public override void Admit(JsonObject obj, WriteContext context)
    {
        if (context.Kind != Kinds.Pod) return;
        var spec = obj.Object("spec");
        foreach (var taint in Taints)
        {
            var tolerated = spec.Objects("tolerations").Any(t =>
                (t.Item.Text("key") is null or "" || t.Item.Text("key") == taint) && t.Item.Text("effect") is null or "" or "NoExecute");
            if (tolerated) continue;
            spec.Array("tolerations").Add((JsonNode)new JsonObject
            {
                ["key"] = taint, ["operator"] = "Exists", ["effect"] = "NoExecute", ["tolerationSeconds"] = Seconds,
            });
        }
    }
}
