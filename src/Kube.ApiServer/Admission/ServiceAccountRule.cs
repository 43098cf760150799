using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>A pod runs as a service account of its namespace: the one that it names, or <c>default</c>.</summary>
internal sealed class ServiceAccountRule : AdmissionRule
{
    public override void Admit(JsonObject obj, WriteContext context)
    {
        if (context.Kind != Kinds.Pod) return;
        var spec = obj.Object("spec");
        var name = spec.Text("serviceAccountName") is { Length: > 0 } given ? given : spec.Text("serviceAccount") is { Length: > 0 } older ? older : "default";
        spec["serviceAccountName"] = name;
        if (context.Server.Objects(Kinds.ServiceAccount).Find(new ObjectKey(context.Call.Namespace!, name)) is null)
        {
            throw Failures.Forbidden(Kinds.Pod, obj.Text("metadata", "name") ?? "",
                $"error looking up service account {context.Call.Namespace}/{name}: serviceaccount \"{name}\" not found");
        }
    }
}
