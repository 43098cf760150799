using System.Collections.Immutable;

namespace Kube.Nodes.Linux;

/// <summary>A process of a pod.</summary>
/// <param name="Pid">As this machine numbers it.</param>
/// <param name="Container">The container it runs in.</param>
/// <param name="Command">Its command line.</param>
/// <param name="Environment">The variables that were asked for, as they were when its program started.</param>
public sealed record PodProcess(int Pid, string Container, ImmutableArray<string> Command, ImmutableDictionary<string, string> Environment)
{
    internal static IReadOnlyList<PodProcess> Of(IEnumerable<(string Container, RunningContainer Run)> containers, IReadOnlyCollection<string> variables)
    {
        // Everything that runs in a container is in its PID namespace, also what was started by exec and is no child of its PID 1.
        var names = new Dictionary<string, (string Container, int Init)>(StringComparer.Ordinal);
        foreach (var (container, run) in containers)
        {
            if (ProcessTree.PidNamespace(run.InitPid) is { } pidNamespace) names[pidNamespace] = (container, run.InitPid);
        }

        if (names.Count == 0) return [];
        var found = new List<PodProcess>();
        foreach (var pid in ProcessTree.All())
        {
            // PID 1 is the sandbox's own shell.
            if (ProcessTree.PidNamespace(pid) is not { } of || !names.TryGetValue(of, out var place) || pid == place.Init) continue;
            var environment = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
            foreach (var entry in Words($"/proc/{pid}/environ"))
            {
                var equals = entry.IndexOf('=', StringComparison.Ordinal);
                if (equals > 0 && variables.Contains(entry[..equals])) environment[entry[..equals]] = entry[(equals + 1)..];
            }

            found.Add(new PodProcess(pid, place.Container, [.. Words($"/proc/{pid}/cmdline")], environment.ToImmutable()));
        }

        return found;
    }

    private static string[] Words(string path) => ProcessTree.Read(path)?.Split('\0', StringSplitOptions.RemoveEmptyEntries) ?? [];
}
