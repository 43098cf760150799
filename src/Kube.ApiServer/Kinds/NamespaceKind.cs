using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class NamespaceKind : KindStrategy
{
    private const string Finalizer = "kubernetes";

    public override ResourceKind Kind => Kinds.Namespace;
    public override ImmutableArray<string> ShortNames => ["ns"];
    public override bool HasStatus => true;
    public override ImmutableArray<string> SelectableFields => ["status.phase"];
    public override ImmutableArray<Subresource> Subresources => [new("finalize", "Namespace", "", ["update"])];
    public override ImmutableArray<TableColumn> Columns => [TableColumn.Text("Status", static n => n.Text("status", "phase")), TableColumn.Age];
    public override ImmutableArray<string> CheckName(string name) => Names.CheckDns1123Label(name);

    public override void PrepareForCreate(JsonObject obj, WriteContext context)
    {
        obj["spec"] = new JsonObject { ["finalizers"] = new JsonArray(Finalizer) };
        obj["status"] = new JsonObject { ["phase"] = "Active" };
    }

    /// <summary>The namespace's own finalizers are changed by its subresource <c>finalize</c> alone.</summary>
    public override void PrepareForUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        if (context.Call.Subresource != "finalize") obj["spec"] = old["spec"]?.DeepClone();
    }

    public override void Default(JsonObject obj)
    {
        if (obj.Text("metadata", "name") is { } name) obj.Object("metadata").Object("labels")["kubernetes.io/metadata.name"] = name;
    }

    public override bool IsHeld(JsonObject obj) => base.IsHeld(obj) || obj.Texts("spec", "finalizers").Any();

    public override void PrepareForDeletion(JsonObject obj) => obj.Object("status")["phase"] = "Terminating";

    /// <summary>Every namespace has an account for the pods that name none, and the authority that they know the API server by.</summary>
    public override void Committed(JsonObject? obj, JsonObject? old, WriteContext context)
    {
        if (obj is null || old is not null) return;
        var name = obj.Text("metadata", "name")!;
        SystemObjects.Create(context.Server, Kinds.ServiceAccount, name, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "default" } });
        KubernetesService.PublishAuthority(context.Server, name);
    }
}
