using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class LimitRangeKind : KindStrategy
{
    private static readonly string[] Sides = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];

    public override ResourceKind Kind => Kinds.LimitRange;
    public override ImmutableArray<string> ShortNames => ["limits"];
    public override ImmutableArray<TableColumn> Columns => [TableColumn.Text("Created At", static l => l.Text("metadata", "creationTimestamp"))];

    /// <summary>What is at most allowed is also given by default, and what is given is also requested.</summary>
    public override void Default(JsonObject obj)
    {
        foreach (var (_, limit) in obj.Objects("spec", "limits").Where(static l => l.Item.Text("type") == "Container"))
        {
            Copy(limit, "max", "default");
            Copy(limit, "default", "defaultRequest");
            Copy(limit, "min", "defaultRequest");
        }
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        var types = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, limit) in obj.Objects("spec", "limits"))
        {
            var (path, type) = ($"spec.limits[{index}]", limit.Text("type") ?? "");
            if (type is not ("Container" or "Pod" or "PersistentVolumeClaim") && !type.Contains('/')) errors.Add(FieldError.Invalid($"{path}.type", $"\"{type}\"", "must be a standard limit type or fully qualified"));
            if (!types.Add(type)) errors.Add(FieldError.Duplicate($"{path}.type", type));
            ValidateLimit(limit, type, path, errors);
        }
    }

    private static void ValidateLimit(JsonObject limit, string type, string path, List<FieldError> errors)
    {
        foreach (var side in Sides)
        {
            foreach (var (name, value) in limit.Members(side) ?? [])
            {
                if (!Quantity.TryParse(value.Print(), out _, out var broken)) errors.Add(FieldError.Invalid($"{path}.{side}[{name}]", $"\"{value.Print()}\"", broken));
            }
        }

        if (type == "Pod")
        {
            foreach (var side in new[] { "default", "defaultRequest" })
            {
                if (limit.Members(side) is { Count: > 0 }) errors.Add(FieldError.Forbidden($"{path}.{side}", "may not be specified when `type` is 'Pod'"));
            }
        }

        var (max, min) = (Amounts.Read(limit["max"]), Amounts.Read(limit["min"]));
        if (type == "PersistentVolumeClaim" && !max.ContainsKey("storage") && !min.ContainsKey("storage"))
        {
            errors.Add(FieldError.Required($"{path}.limits", "either minimum or maximum storage value is required, but neither was provided"));
        }

        CheckOrder(min, max, Amounts.Read(limit["defaultRequest"]), type == "Pod" ? [] : Amounts.Read(limit["default"]), path, errors);
        foreach (var (name, ratio) in Amounts.Read(limit["maxLimitRequestRatio"]))
        {
            if (ratio < Quantity.FromUnits(1)) errors.Add(FieldError.Invalid($"{path}.maxLimitRequestRatio[{name}]", $"\"{ratio}\"", $"ratio {ratio} is less than 1"));
        }
    }

    /// <summary>Minimum, default request, default and maximum must not cross.</summary>
    private static void CheckOrder(Amounts min, Amounts max, Amounts request, Amounts given, string path, List<FieldError> errors)
    {
        foreach (var (name, low) in min)
        {
            if (max.TryGetValue(name, out var high) && low > high) errors.Add(FieldError.Invalid($"{path}.min[{name}]", $"\"{low}\"", $"min value {low} is greater than max value {high}"));
        }

        foreach (var (name, asked) in request)
        {
            if (min.TryGetValue(name, out var low) && low > asked) errors.Add(FieldError.Invalid($"{path}.defaultRequest[{name}]", $"\"{asked}\"", $"min value {low} is greater than default request value {asked}"));
            if (max.TryGetValue(name, out var high) && asked > high) errors.Add(FieldError.Invalid($"{path}.defaultRequest[{name}]", $"\"{asked}\"", $"default request value {asked} is greater than max value {high}"));
            if (given.TryGetValue(name, out var limit) && asked > limit) errors.Add(FieldError.Invalid($"{path}.defaultRequest[{name}]", $"\"{asked}\"", $"default request value {asked} is greater than default limit value {limit}"));
        }

        foreach (var (name, limit) in given)
        {
            if (min.TryGetValue(name, out var low) && low > limit) errors.Add(FieldError.Invalid($"{path}.default[{name}]", $"\"{low}\"", $"min value {low} is greater than default value {limit}"));
            if (max.TryGetValue(name, out var high) && limit > high) errors.Add(FieldError.Invalid($"{path}.default[{name}]", $"\"{high}\"", $"default value {limit} is greater than max value {high}"));
        }
    }

    private static void Copy(JsonObject limit, string from, string to)
    {
        foreach (var (name, value) in limit.Members(from) ?? [])
        {
            if (value is not null) limit.Object(to).Default(name, value.DeepClone());
        }
    }
}
