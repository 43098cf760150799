using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>Defaults of a schema: they fill members that are absent, within objects that are there.</summary>
internal static class SchemaDefaulting
{
    public static void Apply(JsonNode? node, Schema schema)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (name, property) in schema.Properties)
                {
                    // A null where none is allowed counts as absent.
                    if (members.TryGetPropertyValue(name, out var value) && value is null && !property.Nullable) members.Remove(name);
                    if (property.Default is not null && !members.ContainsKey(name)) members[name] = property.Default.DeepClone();
                }

                foreach (var (name, value) in members)
                {
                    if ((schema.Properties.GetValueOrDefault(name) ?? schema.AdditionalProperties) is { } inner) Apply(value, inner);
                }

                break;
            case JsonArray items when schema.Items is { } inner:
                foreach (var item in items) Apply(item, inner);
                break;
        }
    }
}
