using System.Text.Json;

namespace Kube.Types;

/// <summary>The bounds within which JSON is read everywhere here.</summary>
public static class JsonLimits
{
    /// <summary>
    /// Levels of nesting. CRD schemas exceed the library's default of 64 (a pod template's schema alone has some 50), and code
    /// that recurses over trees must stay within its stack.
    /// </summary>
    public const int DepthMax = 256;

    /// <summary>A member that stands twice is an error: readers differ in which one they take, and a tree cannot hold both.</summary>
    public static JsonDocumentOptions Options { get; } = new() { MaxDepth = DepthMax, AllowDuplicateProperties = false };
}
