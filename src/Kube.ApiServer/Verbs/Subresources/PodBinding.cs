using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>POST <c>pods/NAME/binding</c>: a scheduler gives a pod to a node.</summary>
internal static class PodBinding
{
    public static ApiResponse Bind(ServerState server, ResourceCall call, CancellationToken cancellation)
    {
        var body = Bodies.Parse(call.Request) as JsonObject ?? throw Failures.BadRequest("a Binding is expected");
        var node = body.Text("target", "name") ?? "";
        if (node.Length == 0) throw Failures.Invalid(new ResourceKind("", "v1", "Binding", "bindings"), call.Name!, [FieldError.Required("target.name", "")]);
        if (body.Text("metadata", "uid") is { Length: > 0 } uid && Reading.Get(server, call).Header.Uid is var own && own != uid)
        {
            throw Failures.Conflict(call.Resource.Kind, call.Name!, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {own}");
        }

        var context = new WriteContext(server, call);
        DirectUpdate.Apply(context, pod => Assign(pod, node, body, context), cancellation);
        return ApiResponse.Of(new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = 201 }, 201);
    }

    private static void Assign(JsonObject pod, string node, JsonObject binding, WriteContext context)
    {
        var name = context.Call.Name!;
        if (pod.Text("metadata", "deletionTimestamp") is not null) throw Refuse($"pod {name} is being deleted, cannot be assigned to a host");
        if (pod.Text("spec", "nodeName") is { Length: > 0 } already) throw Refuse($"pod {name} is already assigned to node \"{already}\"");
        if (pod.Objects("spec", "schedulingGates").Any()) throw Refuse($"pod {name} has non-empty .spec.schedulingGates");
        pod.Object("spec")["nodeName"] = node;
        foreach (var (key, value) in binding.TextMap("metadata", "annotations")) pod.Object("metadata").Object("annotations")[key] = value;
        var conditions = pod.Object("status").Array("conditions");
        foreach (var (_, old) in conditions.Objects().Where(static c => c.Item.Text("type") == "PodScheduled").ToList()) conditions.Remove(old);
        conditions.Add((JsonNode)new JsonObject
        {
            ["type"] = "PodScheduled", ["status"] = "True", ["lastProbeTime"] = null, ["lastTransitionTime"] = KubeTime.Format(context.Now),
        });

        ApiException Refuse(string why) => new(new ApiStatus(409, ApiReason.Conflict, $"Operation cannot be fulfilled on pods/binding \"{name}\": {why}") { Resource = "pods/binding", Name = name });
    }
}

/// <summary>A change that the server itself makes to an object: as every update, without the rules for clients.</summary>
internal static class DirectUpdate
{
    public static StoredObject Apply(WriteContext context, Action<JsonObject> change, CancellationToken cancellation)
    {
        var (call, strategy, store) = (context.Call, context.Strategy, context.Server.Store);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var current = store.Find(call.Resource.Objects, call.Key) ?? throw Failures.NotFound(context.Kind, call.Name!);
            var old = Drafting.Open(current, strategy);
            var result = (JsonObject)old.DeepClone();
            change(result);
            var gone = Deletion.IsFinished(result, strategy);
            if (!gone && result.SameAs(old)) return current;
            if (context.DryRun) return Drafting.Pretend(call.Key, result, current.Bytes.Owners, current, strategy);
            if (Committing.TryCommit(context, call.Key, current, old, gone ? null : result, current.Bytes.Owners) is { } committed) return committed;
        }
    }
}
