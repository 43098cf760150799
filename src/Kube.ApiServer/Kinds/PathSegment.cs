using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>The weakest rule for names: what can stand as one step of a path (<c>k8s.io/apimachinery/pkg/api/validation/path</c>).</summary>
internal static class PathSegment
{
    public static ImmutableArray<string> Check(string name) => name switch
    {
        "." => ["may not be '.'"],
        ".." => ["may not be '..'"],
        _ => [.. new[] { "/", "%" }.Where(c => name.Contains(c, StringComparison.Ordinal)).Select(static c => $"may not contain '{c}'")],
    };
}
