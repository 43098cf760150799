namespace Kube.Testing;

/// <summary>What a request asks of the API, read from its method and URL.</summary>
/// <param name="Number">Counts the requests of one handler, from 1.</param>
/// <param name="Verb">As RBAC names it: get, list, watch, create, update, patch, delete, deletecollection.</param>
/// <param name="Resource">The plural, with the subresource where there is one: <c>pods/status</c>.</param>
public sealed record ApiRequest(int Number, string Verb, string Resource, string Namespace, string Name)
{
    /// <summary>The API group; empty for the core group.</summary>
    public string Group { get; init; } = "";

    public bool IsWrite => Verb is not ("get" or "list" or "watch");

    public override string ToString() => $"{Verb} {Resource} {Namespace}/{Name}";

    public static ApiRequest Read(int number, HttpRequestMessage request)
    {
        var uri = request.RequestUri!.OriginalString;
        var query = uri.IndexOf('?', StringComparison.Ordinal);
        var path = query < 0 ? uri : uri[..query];
        var scheme = path.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0) path = path[Math.Max(0, path.IndexOf('/', scheme + 3))..];

        // /api/v1/... or /apis/<group>/<version>/..., then [namespaces/<ns>/]<plural>[/<name>[/<subresource>]]
        var steps = path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.UnescapeDataString).ToArray();
        var rest = steps is ["api", _, ..] ? steps[2..] : steps is ["apis", _, _, ..] ? steps[3..] : [];
        var ns = "";
        if (rest is ["namespaces", var of, _, ..] && rest[2] is not ("status" or "finalize")) (ns, rest) = (of, rest[2..]);
        var name = rest.Length > 1 ? rest[1] : "";
        var resource = rest switch { [] => path, [var plural, _, var sub, ..] => $"{plural}/{sub}", _ => rest[0] };
        var watch = query >= 0 && (uri.Contains("watch=true", StringComparison.Ordinal) || uri.Contains("watch=1", StringComparison.Ordinal));
        var verb = request.Method.Method switch
        {
            "GET" => watch ? "watch" : name.Length > 0 || rest.Length == 0 ? "get" : "list",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            _ => name.Length > 0 ? "delete" : "deletecollection",
        };
        // A list or watch that selects one name is for that name, as authorizers of Kubernetes see it.
        const string OneName = "fieldSelector=metadata.name%3D";
        var selected = query < 0 ? -1 : uri.IndexOf(OneName, query, StringComparison.OrdinalIgnoreCase);
        if (verb is "list" or "watch" && selected >= 0) name = Uri.UnescapeDataString(uri[(selected + OneName.Length)..].Split('&')[0]);
        return new ApiRequest(number, verb, resource, ns, name) { Group = steps is ["apis", var group, ..] ? group : "" };
    }
}
