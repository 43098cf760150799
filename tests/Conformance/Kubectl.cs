using System.Text.Json;

namespace Conformance;

/// <summary>The kubectl that plays the sessions: the one on the PATH, or the program that KUBEMPI_CONFORMANCE_KUBECTL names.</summary>
internal static class Kubectl
{
    public const string Variable = "KUBEMPI_CONFORMANCE_KUBECTL";

    /// <summary>What the commands of a session need in their environment to find it.</summary>
    public static Dictionary<string, string> Environment { get; } = System.Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } program
        ? new() { ["PATH"] = $"{Path.GetDirectoryName(Path.GetFullPath(program))}:{System.Environment.GetEnvironmentVariable("PATH")}" }
        : [];

    /// <summary>The minor version, such as 35; null when there is none.</summary>
    public static async Task<int?> MinorAsync()
    {
        var (exit, output) = await Shell.RunAsync("kubectl version --client -o json", Path.GetTempPath(), Environment);
        if (exit != 0) return null;
        using var version = JsonDocument.Parse(output);
        return int.Parse(version.RootElement.GetProperty("clientVersion").GetProperty("minor").GetString()!.TrimEnd('+'), System.Globalization.CultureInfo.InvariantCulture);
    }
}
