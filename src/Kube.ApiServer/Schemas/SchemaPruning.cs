using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>Members that a schema does not name: found, and taken out.</summary>
internal static class SchemaPruning
{
    public static void FindUnknown(JsonObject obj, Schema schema, List<string> paths) => Walk(obj, schema, "", isResource: true, paths, prune: false);

    public static void Prune(JsonObject obj, Schema schema) => Walk(obj, schema, "", isResource: true, null, prune: true);

    private static void Walk(JsonNode? node, Schema schema, string path, bool isResource, List<string>? unknown, bool prune)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (name, value) in members.ToList())
                {
                    // Every resource has these three, whatever its schema says; metadata has rules of its own.
                    if (isResource && name is "apiVersion" or "kind" or "metadata") continue;
                    var at = unknown is null ? "" : path.Length == 0 ? name : $"{path}.{name}";
                    var inner = schema.Properties.GetValueOrDefault(name) ?? schema.AdditionalProperties;
                    if (inner is not null) Walk(value, inner, at, inner.EmbeddedResource, unknown, prune);
                    else if (!schema.PreservesUnknown)
                    {
                        unknown?.Add(at);
                        if (prune) members.Remove(name);
                    }
                }

                break;
            case JsonArray items when schema.Items is { } inner:
                for (var i = 0; i < items.Count; i++) Walk(items[i], inner, unknown is null ? "" : $"{path}[{i}]", inner.EmbeddedResource, unknown, prune);
                break;
        }
    }
}
