using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// OpenAPI, as far as clients use it: which parameters a resource's PATCH takes (kubectl asks that before it leaves the
/// validation of fields to the server), and the schemas of custom resources. Built-in kinds are described as open objects.
/// </summary>
internal sealed class OpenApiEndpoint(ServerState server)
{
    public ApiResponse? TryAnswer(ApiRequest request)
    {
        var path = request.Path.Trim('/');
        if (path == "openapi/v3") return ApiResponse.Of(Index());
        if (path == "openapi/v2") return ApiResponse.Of(Document("2.0", server.Registry.All));
        if (!path.StartsWith("openapi/v3/", StringComparison.Ordinal)) return null;
        var place = path["openapi/v3/".Length..];
        var served = server.Registry.All.Where(r => Place(r.Kind) == place).ToList();
        return served.Count == 0 ? ApiResponse.NotServed : ApiResponse.Of(Document("3.0", served));
    }

    private JsonObject Index()
    {
        var paths = new JsonObject();
        foreach (var place in server.Registry.All.Select(static r => Place(r.Kind)).Distinct(StringComparer.Ordinal))
        {
            paths[place] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{place}" };
        }

        return new JsonObject { ["paths"] = paths };
    }

    private static string Place(ResourceKind kind) => kind.Group.Length == 0 ? $"api/{kind.Version}" : $"apis/{kind.Group}/{kind.Version}";

    private static JsonObject Document(string version, IEnumerable<ServedResource> served)
    {
        var (paths, schemas) = (new JsonObject(), new JsonObject());
        foreach (var resource in served)
        {
            var kind = resource.Kind;
            paths[kind.Path(kind.Namespaced ? "NAMESPACE" : null, "NAME").Replace("NAMESPACE", "{namespace}").Replace("NAME", "{name}")] =
                new JsonObject { ["get"] = Operation(kind), ["put"] = Operation(kind), ["patch"] = Operation(kind), ["delete"] = Operation(kind) };
            paths[kind.Path(kind.Namespaced ? "NAMESPACE" : null).Replace("NAMESPACE", "{namespace}")] =
                new JsonObject { ["get"] = Operation(kind), ["post"] = Operation(kind) };
            schemas[SchemaName(kind)] = SchemaOf(resource);
        }

        var document = new JsonObject { [version == "2.0" ? "swagger" : "openapi"] = version == "2.0" ? version : "3.0.0" };
        document["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = "v1.35.0+kubempi" };
        document["paths"] = paths;
        if (version == "2.0") document["definitions"] = schemas;
        else document["components"] = new JsonObject { ["schemas"] = schemas };
        return document;
    }

    private static JsonObject Operation(ResourceKind kind)
    {
        var parameters = new JsonArray();
        foreach (var name in new[] { "dryRun", "fieldManager", "fieldValidation", "force" })
        {
            parameters.Add((JsonNode)new JsonObject { ["name"] = name, ["in"] = "query", ["schema"] = new JsonObject { ["type"] = name == "force" ? "boolean" : "string" } });
        }

        return new JsonObject
        {
            ["parameters"] = parameters,
            ["responses"] = new JsonObject { ["200"] = new JsonObject { ["description"] = "OK" } },
            ["x-kubernetes-group-version-kind"] = Gvk(kind),
        };
    }

    private static JsonObject SchemaOf(ServedResource resource)
    {
        var schema = (resource.Strategy as CustomResourceKind)?.Document?.DeepClone() as JsonObject ?? new JsonObject { ["type"] = "object" };
        schema["x-kubernetes-group-version-kind"] = new JsonArray(Gvk(resource.Kind));
        return schema;
    }

    private static JsonObject Gvk(ResourceKind kind) => new() { ["group"] = kind.Group, ["kind"] = kind.Kind, ["version"] = kind.Version };

    /// <summary>Such as <c>com.example.v1.Widget</c>: the group's labels turned round.</summary>
    private static string SchemaName(ResourceKind kind) =>
        string.Join('.', (kind.Group.Length == 0 ? "core.api.k8s.io" : kind.Group).Split('.').Reverse().Append(kind.Version).Append(kind.Kind));
}
