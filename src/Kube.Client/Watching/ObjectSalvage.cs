using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Client;

/// <summary>
/// What can still be read of an object that is broken somewhere: its identity, which stands near its begin. It lets one bad
/// object be named and passed over, so that the rest of a list or watch goes on.
/// </summary>
internal static class ObjectSalvage
{
    public static KubeObject Read(ReadOnlySpan<byte> json)
    {
        var found = new JsonObject();
        var meta = new JsonObject();
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 1000 });
            var inMeta = false;
            while (reader.Read())
            {
                if (reader.CurrentDepth == 0 || reader.TokenType != JsonTokenType.PropertyName) continue;
                var name = reader.GetString()!;
                if (reader.CurrentDepth == 1) inMeta = name == "metadata";
                reader.Read();
                if (reader.TokenType != JsonTokenType.String) continue;
                if (reader.CurrentDepth == 1 && name is "apiVersion" or "kind") found[name] = reader.GetString();
                else if (reader.CurrentDepth == 2 && inMeta && name is "name" or "namespace" or "uid" or "resourceVersion") meta[name] = reader.GetString();
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // The place where it is broken: what came before is what there is.
        }

        found["metadata"] = meta;
        return KubeObject.From(found);
    }
}
