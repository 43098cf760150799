using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Asks a schema's rules about an object. What did not change is asked only by the rules that compare with what was before,
/// so that an object stored under older rules stays writable.
/// </summary>
internal sealed class SchemaRules(CelBudget budget, List<FieldError> errors)
{
    /// <summary>Steps of all rules of an object together; about what kube-apiserver's cost limit for a request comes to.</summary>
    private const long StepsMax = 10_000_000;

    public static void Validate(JsonObject obj, JsonObject? old, Schema schema, List<FieldError> errors)
    {
        if (!schema.HasRules) return;
        // A rule about a value of another type, or of an absent one, would only repeat what was said.
        if (errors.Exists(static e => e.Kind is FieldErrorKind.Required or FieldErrorKind.TypeInvalid or FieldErrorKind.TooLong or FieldErrorKind.TooMany))
        {
            errors.Add(FieldError.Invalid("", "null", "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"));
            return;
        }

        var rules = new SchemaRules(new CelBudget(StepsMax), errors);
        try
        {
            rules.Check(obj, old, schema, "", isResource: true);
        }
        catch (CelBudgetException)
        {
            errors.Add(FieldError.Invalid("", "null", "validation failed due to running out of cost budget, no further validation rules will be run"));
        }
    }

    private void Check(JsonNode? value, JsonNode? old, Schema schema, string path, bool isResource)
    {
        if (!schema.HasRules || value is null) return;
        Ask(value, old, schema, path, isResource);
        switch (value)
        {
            case JsonObject members:
                foreach (var (name, inner) in members)
                {
                    var before = (old as JsonObject)?[name];
                    if (schema.Properties.TryGetValue(name, out var property)) Check(inner, before, property, path.Length == 0 ? name : $"{path}.{name}", property.EmbeddedResource);
                    else if (schema.AdditionalProperties is { } additional) Check(inner, before, additional, $"{path}[{name}]", additional.EmbeddedResource);
                }

                break;
            case JsonArray items when schema.Items is { } item:
                for (var i = 0; i < items.Count; i++)
                {
                    // Which item was which before is known only where a key tells them apart.
                    var before = schema.ListType == "map" ? (old as JsonArray)?.FirstOrDefault(o => SameKey(o, items[i], schema)) : null;
                    Check(items[i], before, item, $"{path}[{i}]", item.EmbeddedResource);
                }

                break;
        }
    }

    private void Ask(JsonNode value, JsonNode? old, Schema schema, string path, bool isResource)
    {
        if (schema.Rules.IsEmpty) return;
        var unchanged = old is not null && value.SameAs(old);
        var names = ImmutableDictionary<string, CelValue>.Empty.Add(CelNames.Self, CelSchema.ValueOf(value, schema, isResource));
        var before = old is null ? null : CelSchema.ValueOf(old, schema, isResource);
        foreach (var rule in schema.Rules)
        {
            if (rule.IsTransition ? before is null && !rule.TakesMissingOld : unchanged) continue;
            var all = !rule.IsTransition ? names
                : names.Add(CelNames.Old, rule.TakesMissingOld ? before is null ? CelValue.Optional.None : new CelValue.Optional(before) : before!);
            rule.Check(all, path, schema.IntOrString ? "" : schema.Type, budget, errors);
        }
    }

    private static bool SameKey(JsonNode? one, JsonNode? other, Schema schema) => schema.ListMapKeys.All(k => one.At(k).SameAs(other.At(k)));
}
