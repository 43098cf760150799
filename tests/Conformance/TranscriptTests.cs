using System.Reflection;

namespace Conformance;

/// <summary>
/// Plays recorded kubectl sessions against the local cluster and, when <c>KUBEMPI_CONFORMANCE_KUBECONFIG</c> names one, against
/// another: both must go as written. <c>KUBEMPI_CONFORMANCE_RECORD=1</c> writes down how they went instead, which is done
/// against a real control plane.
/// </summary>
public sealed class TranscriptTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "transcripts");

    public static TheoryData<string, string> Sessions()
    {
        var sessions = new TheoryData<string, string>();
        foreach (var file in Directory.EnumerateFiles(Folder, "*.txt").Order(StringComparer.Ordinal))
        {
            sessions.Add(Path.GetFileNameWithoutExtension(file), "local");
            if (Environment.GetEnvironmentVariable(Target.Variable) is { Length: > 0 }) sessions.Add(Path.GetFileNameWithoutExtension(file), "real");
        }

        return sessions;
    }

    [Theory]
    [MemberData(nameof(Sessions))]
    public async Task A_session_goes_as_it_was_recorded(string name, string target)
    {
        if ((await Shell.RunAsync("kubectl version --client", Folder, [])).Exit != 0) Assert.Skip("kubectl is not on the PATH");
        var recorded = Transcript.Parse(await File.ReadAllTextAsync(Path.Combine(Folder, $"{name}.txt")));
        Assert.True(recorded.Count > 0, $"{name}.txt holds no command");
        await using var cluster = await KubectlTarget.OpenAsync(target);
        var played = await recorded.PlayAsync(cluster, Folder);
        if (Environment.GetEnvironmentVariable("KUBEMPI_CONFORMANCE_RECORD") == "1" && target == "real")
        {
            await File.WriteAllTextAsync(Path.Combine(SourceFolder(), $"{name}.txt"), played);
            return;
        }

        if (played == recorded.ToString()) return;
        Assert.Fail(Difference(recorded.ToString().Split('\n'), played.Split('\n')));
    }

    private static string SourceFolder() => typeof(TranscriptTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static a => a.Key == "TranscriptSource").Value!;

    /// <summary>What differs, each place under the command that it belongs to.</summary>
    private static string Difference(string[] recorded, string[] played)
    {
        var (expected, actual) = (ByCommand(recorded), ByCommand(played));
        var differences = expected.Zip(actual)
            .Where(static pair => pair.First != pair.Second)
            .Select(static pair => $"--- recorded\n{pair.First}\n+++ played\n{pair.Second}");
        return $"the session went otherwise:\n{string.Join("\n\n", differences)}";
    }

    private static List<string> ByCommand(string[] lines)
    {
        var steps = new List<string>();
        foreach (var line in lines)
        {
            if (line.StartsWith("$ ", StringComparison.Ordinal) || steps.Count == 0) steps.Add(line);
            else steps[^1] += "\n" + line;
        }

        return steps;
    }
}
