using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>Version and health.</summary>
internal static class ServerInformation
{
    /// <summary>The Kubernetes whose behaviour this server follows; clients choose features by it.</summary>
    private const string Minor = "35";

    public static string Version => $"v1.{Minor}.0+kubempi";

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
        ["minor"] = Minor,
        ["emulationMajor"] = "1",
        ["emulationMinor"] = Minor,
        ["minCompatibilityMajor"] = "1",
        ["minCompatibilityMinor"] = "34",
        ["gitVersion"] = Version,
        ["gitCommit"] = "",
        ["gitTreeState"] = "clean",
        ["buildDate"] = "1970-01-01T00:00:00Z",
        ["goVersion"] = "",
        ["compiler"] = "dotnet",
        ["platform"] = "linux/amd64",
    };
}
