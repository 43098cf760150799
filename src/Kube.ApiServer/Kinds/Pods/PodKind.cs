using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class PodKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Pod;
    public override ImmutableArray<string> ShortNames => ["po"];
    public override ImmutableArray<string> Categories => ["all"];
    public override bool HasStatus => true;
    public override bool HasGeneration => true;
    public override bool ReturnsDeletedObject => true;

    public override ImmutableArray<string> SelectableFields =>
    [
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
        "status.phase", "status.podIP", "status.nominatedNodeName",
    ];

    public override ImmutableArray<Subresource> Subresources =>
    [
        new("attach", "PodAttachOptions", "", ["create", "get"]),
        new("binding", "Binding", "v1", ["create"]),
        new("eviction", "Eviction", "policy/v1", ["create"]),
        new("exec", "PodExecOptions", "", ["create", "get"]),
        new("log", "Pod", "", ["get"]),
    ];

    public override ImmutableArray<TableColumn> Columns => PodColumns.All;

    public override string FieldValue(JsonObject obj, string field) =>
        field == "spec.hostNetwork" ? (obj.Flag("spec", "hostNetwork") == true ? "true" : "false") : base.FieldValue(obj, field);

    /// <summary>A pod that runs nowhere, or has ended, is deleted at once: there is nobody to wait for.</summary>
    public override long? GraceSeconds(JsonObject obj, long? asked)
    {
        if (string.IsNullOrEmpty(obj.Text("spec", "nodeName")) || obj.Text("status", "phase") is "Succeeded" or "Failed") return 0;
        return asked ?? obj.Integer("spec", "terminationGracePeriodSeconds") ?? 30;
    }

    public override void PrepareForCreate(JsonObject obj, WriteContext context)
    {
        var spec = obj.Object("spec");
        // A grace below nothing is the shortest there is.
        if (spec.Integer("terminationGracePeriodSeconds") < 0) spec["terminationGracePeriodSeconds"] = 1;
        obj["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = PodQuality.Class(obj) };
        if (spec["schedulingGates"] is JsonArray { Count: > 0 })
        {
            obj["status"]!["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "PodScheduled", ["status"] = "False", ["reason"] = "SchedulingGated",
                ["message"] = "Scheduling is blocked due to non-empty scheduling gates", ["lastProbeTime"] = null, ["lastTransitionTime"] = null,
            });
        }
    }

    public override void PrepareForStatusUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        // The class is decided at creation; a kubelet that leaves it out does not erase it. Owners change by the pod itself only.
        if (obj["status"] is JsonObject status && old.Text("status", "qosClass") is { } quality) status.Default("qosClass", quality);
        var meta = obj["metadata"]!.AsObject();
        if (old.At("metadata", "ownerReferences") is { } owners) meta["ownerReferences"] = owners.DeepClone();
        else meta.Remove("ownerReferences");
    }

    public override void Default(JsonObject obj)
    {
        var spec = obj.Object("spec");
        spec.Default("enableServiceLinks", true);
        PodSpecDefaults.Apply(spec);
        foreach (var list in new[] { "containers", "initContainers" })
        {
            foreach (var (_, container) in spec.Objects(list)) RequestLimits(container);
        }

        // Go's encoder writes times that were never set as null.
        foreach (var (_, condition) in obj.Objects("status", "conditions"))
        {
            condition.TryAdd("lastProbeTime", null);
            condition.TryAdd("lastTransitionTime", null);
        }
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        PodSpecRules.Validate(obj.Object("spec"), "spec", errors);
        PodSpecRules.ValidateImages(obj.Object("spec"), errors);
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors) => PodUpdateRules.Validate(obj, old, errors);

    /// <summary>What is limited and not requested is requested to its limit.</summary>
    private static void RequestLimits(JsonObject container)
    {
        foreach (var (resource, limit) in container.Members("resources", "limits") ?? [])
        {
            if (limit is null) continue;
            container.Object("resources").Object("requests").Default(resource, limit.DeepClone());
        }
    }
}
