using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class PersistentVolumeClaimKind : KindStrategy
{
    private const string Protection = "kubernetes.io/pvc-protection";

    public override ResourceKind Kind => Kinds.PersistentVolumeClaim;
    public override ImmutableArray<string> ShortNames => ["pvc"];
    public override bool HasStatus => true;
    public override bool ReturnsDeletedObject => true;

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("Status", static p => p.Text("metadata", "deletionTimestamp") is null ? p.Text("status", "phase") : "Terminating"),
        TableColumn.Text("Volume", static p => p.Text("spec", "volumeName") ?? ""),
        TableColumn.Text("Capacity", static p => string.IsNullOrEmpty(p.Text("spec", "volumeName")) ? "" : p.At("status", "capacity", "storage").Print()),
        TableColumn.Text("Access Modes", static p => string.IsNullOrEmpty(p.Text("spec", "volumeName")) ? "" : AccessModes(p)),
        TableColumn.Text("StorageClass", static p => p.Text("spec", "storageClassName") ?? ""),
        TableColumn.Text("VolumeAttributesClass", static p => p.Text("spec", "volumeAttributesClassName") ?? "<unset>"),
        TableColumn.Age,
        TableColumn.Wide("VolumeMode", static p => p.Text("spec", "volumeMode") ?? "<unset>"),
    ];

    /// <summary>As admission's StorageObjectInUseProtection does, the finalizer keeps a claim until no pod uses it.</summary>
    public override void PrepareForCreate(JsonObject obj, WriteContext context)
    {
        obj["status"] = new JsonObject { ["phase"] = "Pending" };
        var meta = obj.Object("metadata");
        if (!meta.Texts("finalizers").Contains(Protection)) meta["finalizers"] = meta.Texts("finalizers").Append(Protection).ToTree();
    }

    public override void Default(JsonObject obj) => obj.Object("spec").Default("volumeMode", "Filesystem");

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        if (!obj.Texts("spec", "accessModes").Any()) errors.Add(FieldError.Required("spec.accessModes", "at least 1 access mode is required"));
        foreach (var mode in obj.Texts("spec", "accessModes").Where(static m => Short(m).Length == 0))
        {
            errors.Add(FieldError.NotSupported("spec.accessModes", mode, ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]));
        }

        var storage = obj.At("spec", "resources", "requests", "storage");
        if (storage is null) errors.Add(FieldError.Required("spec.resources[storage]", ""));
        else if (!Quantity.TryParse(storage.Print(), out var amount, out _) || amount.Sign <= 0)
        {
            errors.Add(FieldError.Invalid("spec.resources[storage]", $"\"{storage.Print()}\"", "must be greater than zero"));
        }
    }

    private static string AccessModes(JsonObject claim) => string.Join(',', claim.Texts("status", "accessModes").Select(Short));

    private static string Short(string mode) => mode switch
    {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
}
