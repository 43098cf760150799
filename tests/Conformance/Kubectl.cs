namespace Conformance;

/// <summary>The kubectl that plays the sessions: the one on the PATH, or the program that KUBEMPI_CONFORMANCE_KUBECTL names.</summary>
internal static class Kubectl
{
    public const string Variable = "KUBEMPI_CONFORMANCE_KUBECTL";

    /// <summary>What the commands of a session need in their environment to find it.</summary>
    public static Dictionary<string, string> Environment { get; } = System.Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } program
        ? new() { ["PATH"] = $"{Path.GetDirectoryName(Path.GetFullPath(program))}:{System.Environment.GetEnvironmentVariable("PATH")}" }
        : [];

    public static async Task<bool> IsThereAsync() => (await Shell.RunAsync("kubectl version --client", Path.GetTempPath(), Environment)).Exit == 0;
}
