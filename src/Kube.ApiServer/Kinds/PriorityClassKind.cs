using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class PriorityClassKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.PriorityClass;
    /// <summary>Larger values belong to the system's own classes.</summary>
    private const long UserValueMax = 1_000_000_000;

    public override ImmutableArray<string> ShortNames => ["pc"];
    public override bool HasGeneration => true;

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Number("Value", static p => p.Integer("value") ?? 0),
        TableColumn.Text("Global-Default", static p => p.Flag("globalDefault") == true),
        TableColumn.Age,
        TableColumn.Text("PreemptionPolicy", static p => p.Text("preemptionPolicy")),
    ];

    public override void Default(JsonObject obj) => obj.Default("preemptionPolicy", "PreemptLowerPriority");

    public override bool ChangesGeneration(JsonObject obj, JsonObject old) => false;

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        var (name, value) = (obj.Text("metadata", "name") ?? "", obj.Integer("value") ?? 0);
        if (name.StartsWith("system-", StringComparison.Ordinal))
        {
            if (!SystemPriorityClasses.IsSystem(name))
            {
                errors.Add(FieldError.Forbidden("metadata.name", $"priority class names with 'system-' prefix are reserved for system use only. error: {name} is not a known system priority class"));
            }
        }
        else if (value > UserValueMax)
        {
            errors.Add(FieldError.Forbidden("value", $"maximum allowed value of a user defined priority is {UserValueMax}"));
        }

        PodSpecRules.OneOf(obj, "preemptionPolicy", "", ["Never", "PreemptLowerPriority"], errors);
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        if (!obj["value"].SameAs(old["value"])) errors.Add(FieldError.Forbidden("value", "may not be changed in an update."));
        if (!obj["preemptionPolicy"].SameAs(old["preemptionPolicy"])) errors.Add(FieldError.Invalid("preemptionPolicy", $"\"{obj.Text("preemptionPolicy")}\"", "field is immutable"));
    }
}
