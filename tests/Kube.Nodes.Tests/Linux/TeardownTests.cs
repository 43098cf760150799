using System.Diagnostics;
using Kube.Nodes.Linux;

namespace Kube.Nodes.Tests;

[Trait("Category", "sandbox")]
public sealed class TeardownTests
{
    /// <summary>Set in a copy of this program that is to be killed.</summary>
    private const string Victim = "KUBE_NODES_TEST_VICTIM";

    [Fact]
    public async Task Nothing_is_left_after_disposal()
    {
        int[] pids;
        string[] mounts = await File.ReadAllLinesAsync("/proc/self/mountinfo", TestContext.Current.CancellationToken);
        await using (var node = await NodeFixture.StartAsync())
        {
            pids = await StartPodAsync(node);
        }

        Assert.All(pids, static pid => Assert.Null(ProcessTree.Stat(pid)));
        Assert.Equal(mounts, await File.ReadAllLinesAsync("/proc/self/mountinfo", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Nothing_is_left_after_the_program_was_killed()
    {
        var info = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") info.ArgumentList.Add(typeof(TeardownTests).Assembly.Location);
        foreach (var word in (ReadOnlySpan<string>)["-method", $"{typeof(TeardownTests).FullName}.{nameof(Lives_until_it_is_killed)}"]) info.ArgumentList.Add(word);
        info.Environment[Victim] = "1";
        using var victim = Process.Start(info)!;
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(TimeSpan.FromMinutes(5));
        int[]? pids = null;
        while (await victim.StandardOutput.ReadLineAsync(late.Token) is { } line)
        {
            if (line.IndexOf("PIDS ", StringComparison.Ordinal) is >= 0 and var at)
            {
                pids = [.. line[(at + 5)..].Split(' ').Select(int.Parse)];
                break;
            }
        }

        Assert.NotNull(pids);
        Assert.All(pids, static pid => Assert.NotNull(ProcessTree.Stat(pid)));
        Assert.Equal(ControlGroups.OfThisMachine().Obstacle.Length == 0, GroupsOf(victim.Id).Count > 0);
        victim.Kill();
        await victim.WaitForExitAsync(TestContext.Current.CancellationToken);
        for (var i = 0; i < 100 && pids.Any(static pid => ProcessTree.Stat(pid) is { State: not 'Z' }); i++) await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.All(pids, static pid => Assert.True(ProcessTree.Stat(pid) is null or { State: 'Z' }));

        // Nobody was there to remove its control groups: the next node does.
        var groups = ControlGroups.OfThisMachine();
        await NodeFixture.UntilAsync(() =>
        {
            groups.RemoveLate();
            return GroupsOf(victim.Id).Count == 0;
        });
    }

    [Fact]
    public async Task Lives_until_it_is_killed()
    {
        if (Environment.GetEnvironmentVariable(Victim) is null) return;
        await using var node = await NodeFixture.StartAsync();
        var pids = await StartPodAsync(node);
        Console.Out.WriteLine($"PIDS {string.Join(' ', pids)}");
        await Console.Out.FlushAsync(TestContext.Current.CancellationToken);
        await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
    }

    private static List<string> GroupsOf(int pid) =>
        [.. Directory.EnumerateDirectories("/sys/fs/cgroup", $"kube-node-{pid}-*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 4, IgnoreInaccessible = true })];

    private static async Task<int[]> StartPodAsync(NodeFixture node)
    {
        await node.ApplyAsync("{apiVersion: v1, kind: Pod, metadata: {name: stays}, spec: {containers: [{name: main, image: x/y, command: [sh, -c, 'setsid sleep 71 & sleep 72'], resources: {limits: {memory: 64Mi}}}]}}");
        var pod = await node.WaitPhaseAsync("stays", "Running");
        var uid = (await node.PodAsync("stays")).Meta.Uid;
        await node.WaitAsync("stays", _ => node.Node.Processes(uid, []).Count >= 3);
        return [.. node.Node.Processes(uid, []).Select(static p => p.Pid)];
    }
}
