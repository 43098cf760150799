using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal enum OpenApiVersion { V2, V3 }

/// <summary>One OpenAPI document: the paths of some resources, and the schemas of everything that they consist of.</summary>
internal static class OpenApiDocument
{
    private static readonly string[] WriteParameters = ["dryRun", "fieldManager", "fieldValidation"];

    public static JsonObject Write(IEnumerable<ServedResource> served, OpenApiVersion version)
    {
        var paths = new JsonObject();
        var schemas = new OpenApiSchemas(version);
        foreach (var resource in served)
        {
            schemas.Add(resource);
            AddPaths(paths, resource, version);
        }

        var document = new JsonObject { [version == OpenApiVersion.V2 ? "swagger" : "openapi"] = version == OpenApiVersion.V2 ? "2.0" : "3.0.0" };
        document["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = FollowedKubernetes.Version };
        document["paths"] = paths;
        if (version == OpenApiVersion.V2) document["definitions"] = schemas.Written;
        else document["components"] = new JsonObject { ["schemas"] = schemas.Written };
        return document;
    }

    private static void AddPaths(JsonObject paths, ServedResource resource, OpenApiVersion version)
    {
        var kind = resource.Kind;
        if (kind.Namespaced) paths[kind.Path()] = Operations(resource, version, "get");
        paths[Path(kind, isObject: false)] = Operations(resource, version, "get", "post", "delete");
        var path = Path(kind, isObject: true);
        paths[path] = Operations(resource, version, "get", "put", "patch", "delete");
        if (resource.Strategy.HasStatus) paths[$"{path}/status"] = Operations(resource, version, "get", "put", "patch");
    }

    private static string Path(ResourceKind kind, bool isObject)
    {
        // The placeholders go in last: a path escapes what stands in it.
        var path = kind.Path(kind.Namespaced ? "NAMESPACE" : null, isObject ? "NAME" : null);
        return path.Replace("/NAMESPACE", "/{namespace}", StringComparison.Ordinal).Replace("/NAME", "/{name}", StringComparison.Ordinal);
    }

    private static JsonObject Operations(ServedResource resource, OpenApiVersion version, params ReadOnlySpan<string> methods)
    {
        var operations = new JsonObject();
        foreach (var method in methods) operations[method] = Operation(resource, method, version);
        return operations;
    }

    /// <summary>kubectl looks at the parameters before it leaves the validation of fields to the server.</summary>
    private static JsonObject Operation(ServedResource resource, string method, OpenApiVersion version)
    {
        var operation = new JsonObject();
        if (method is "post" or "put" or "patch")
        {
            var parameters = new JsonArray([.. WriteParameters.Select(name => (JsonNode)Parameter(name, "string", version))]);
            if (method == "patch") parameters.Add((JsonNode)Parameter("force", "boolean", version));
            operation["parameters"] = parameters;
        }

        var reference = new JsonObject { ["$ref"] = OpenApiSchemas.Reference(OpenApiSchemas.NameOf(resource), version) };
        var response = new JsonObject { ["description"] = "OK" };
        if (version == OpenApiVersion.V2) response["schema"] = reference;
        else response["content"] = new JsonObject { [MediaType.Json] = new JsonObject { ["schema"] = reference } };
        operation["responses"] = new JsonObject { ["200"] = response };
        operation["x-kubernetes-group-version-kind"] = OpenApiSchemas.GroupVersionKind(resource.Kind, resource.Kind.Kind);
        return operation;
    }

    private static JsonObject Parameter(string name, string type, OpenApiVersion version)
    {
        var parameter = new JsonObject { ["name"] = name, ["in"] = "query" };
        if (version == OpenApiVersion.V2) parameter["type"] = type;
        else parameter["schema"] = new JsonObject { ["type"] = type };
        return parameter;
    }
}
