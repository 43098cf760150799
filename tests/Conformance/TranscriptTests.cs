using System.Reflection;

namespace Conformance;

/// <summary>
/// Plays recorded kubectl sessions against the local cluster and, when <c>KUBEMPI_CONFORMANCE_KUBECONFIG</c> names one, against
/// another: both must go as written. <c>KUBEMPI_CONFORMANCE_RECORD=1</c> writes down how they went instead, which is done
/// against a real control plane. <c>KUBEMPI_CONFORMANCE_SESSIONS</c> (names with commas between) chooses some.
/// </summary>
[Collection(OperatorCollection.Name)]
public sealed class TranscriptTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "transcripts");
    private static readonly bool Records = Environment.GetEnvironmentVariable("KUBEMPI_CONFORMANCE_RECORD") == "1";

    public static TheoryData<string, string> Sessions()
    {
        var chosen = Environment.GetEnvironmentVariable("KUBEMPI_CONFORMANCE_SESSIONS")?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        var hasReal = Environment.GetEnvironmentVariable(Target.Variable) is { Length: > 0 };
        var sessions = new TheoryData<string, string>();
        foreach (var name in Directory.EnumerateFiles(Folder, "*.txt").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal))
        {
            if (chosen.Length > 0 && !chosen.Contains(name)) continue;
            if (!Records) sessions.Add(name!, "local");
            if (hasReal) sessions.Add(name!, "real");
        }

        return sessions;
    }

    [Theory]
    [MemberData(nameof(Sessions))]
    public async Task A_session_goes_as_it_was_recorded(string name, string target)
    {
        if (await Kubectl.MinorAsync() is not { } kubectl)
        {
            Assert.Skip($"kubectl is not on the PATH, and {Kubectl.Variable} names no other");
            return;
        }

        var recorded = Transcript.Parse(await File.ReadAllTextAsync(Path.Combine(Folder, $"{name}.txt")));
        Assert.True(recorded.Count > 0, $"{name}.txt holds no command");
        await using var cluster = await KubectlTarget.OpenAsync(target);
        var played = await recorded.PlayAsync(cluster, Folder, kubectl);
        if (Records)
        {
            await File.WriteAllTextAsync(Path.Combine(SourceFolder(), $"{name}.txt"), played.ToString());
            return;
        }

        if (played.DifferenceFrom(recorded) is { Length: > 0 } difference) Assert.Fail($"the session {name} went otherwise (- recorded, + played):\n{difference}");
    }

    private static string SourceFolder() => typeof(TranscriptTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static a => a.Key == "TranscriptSource").Value!;
}
