using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// OpenAPI: a document a group version (<c>/openapi/v3/…</c>), which kubectl explains and validates by, and one of all
/// (<c>/openapi/v2</c>), for older ways of doing so, in JSON and in protobuf.
/// </summary>
internal sealed class OpenApiEndpoint(ServerState server)
{
    private const string ProtobufType = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

    /// <summary>The answer to a request for <see cref="ProtobufType"/> names it so, the character @ being none of a media type's.</summary>
    private const string ProtobufAnswerType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

    // What was written of the kinds served at the time; begun anew when those change, so it holds one entry a group version.
    private volatile Written _written = new(null, []);

    public ApiResponse? TryAnswer(ApiRequest request)
    {
        var path = request.Path.Trim('/');
        if (path == "openapi/v3") return ApiResponse.Of(Index());
        if (path == "openapi/v2")
        {
            return request.Accept.Contains(ProtobufType, StringComparison.Ordinal)
                ? new ApiResponse.Content([Document("v2 protobuf", () => OpenApiProtobuf.Write(Everything()))]) { ContentType = ProtobufAnswerType }
                : ApiResponse.Of(Document("v2", () => Everything().ToUtf8()));
        }

        if (!path.StartsWith("openapi/v3/", StringComparison.Ordinal)) return null;
        var place = path["openapi/v3/".Length..];
        var served = server.Registry.All.Where(r => Place(r) == place).ToList();
        return served.Count == 0 ? ApiResponse.NotServed : ApiResponse.Of(Document(place, () => OpenApiDocument.Write(served, OpenApiVersion.V3).ToUtf8()));
    }

    private JsonObject Everything() => OpenApiDocument.Write(server.Registry.All, OpenApiVersion.V2);

    private ReadOnlyMemory<byte> Document(string name, Func<byte[]> write)
    {
        var (served, written) = (server.Registry.Served, _written);
        if (!ReferenceEquals(written.Served, served)) _written = written = new Written(served, []);
        return written.Documents.GetOrAdd(name, static (_, write) => write(), write);
    }

    private JsonObject Index()
    {
        var paths = new JsonObject();
        foreach (var place in server.Registry.All.Select(Place).Distinct(StringComparer.Ordinal))
        {
            paths[place] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{place}" };
        }

        return new JsonObject { ["paths"] = paths };
    }

    private static string Place(ServedResource resource) =>
        resource.Kind.Group.Length == 0 ? $"api/{resource.Kind.Version}" : $"apis/{resource.Kind.Group}/{resource.Kind.Version}";

    private sealed record Written(object? Served, ConcurrentDictionary<string, byte[]> Documents);
}
