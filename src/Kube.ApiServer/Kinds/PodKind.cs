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
        obj["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = PodQuality.Class(obj) };
    }
}
