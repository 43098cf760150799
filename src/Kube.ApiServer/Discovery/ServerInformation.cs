using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Version and health.</summary>
internal static class ServerInformation
{
    public static ApiResponse? TryAnswer(ApiRequest request) => request.Path.TrimEnd('/') switch
    {
        "/version" => ApiResponse.Of(VersionInfo()),
        "/healthz" or "/readyz" or "/livez" => ApiResponse.Text(request.Query.Contains("verbose", StringComparison.Ordinal) ? "[+]ping ok\nhealthz check passed\n" : "ok"),
        "" => ApiResponse.Of(new JsonObject { ["paths"] = new JsonArray("/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version") }),
        _ => null,
    };

    private static JsonObject VersionInfo() => new()
    {
        ["major"] = "1",
        ["minor"] = FollowedKubernetes.Minor,
        ["emulationMajor"] = "1",
        ["emulationMinor"] = FollowedKubernetes.Minor,
        ["minCompatibilityMajor"] = "1",
        ["minCompatibilityMinor"] = "34",
        ["gitVersion"] = FollowedKubernetes.Version,
        ["gitCommit"] = "",
        ["gitTreeState"] = "clean",
        ["buildDate"] = "1970-01-01T00:00:00Z",
        ["goVersion"] = "",
        ["compiler"] = "dotnet",
        ["platform"] = "linux/amd64",
    };
}
