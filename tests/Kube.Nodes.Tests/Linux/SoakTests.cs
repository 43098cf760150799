using System.Globalization;
using Kube.Nodes.Linux;

namespace Kube.Nodes.Tests;

/// <summary>
/// Many short pods leave nothing behind in one node: no processes, descriptors, mounts or control groups, and no growing memory.
/// <c>KUBE_NODES_SOAK_PODS</c> sets how many (30 unless set; 1,000 and more are meant to be run by hand).
/// </summary>
[Trait("Category", "sandbox")]
[Collection(nameof(Alone))]
public sealed class SoakTests
{
    /// <summary>What this process holds is counted, so no other test may run beside it.</summary>
    [CollectionDefinition(nameof(Alone), DisableParallelization = true)]
    public sealed class Alone;

    /// <summary>What a pod may cost for ever: nothing. What the runtime itself allocates along the way is below this.</summary>
    private const long BytesAPodAtMost = 64 * 1024;

    private const int WarmUp = 10;

    [Fact]
    public async Task Short_pods_leave_nothing_behind()
    {
        var pods = int.TryParse(Environment.GetEnvironmentVariable("KUBE_NODES_SOAK_PODS"), CultureInfo.InvariantCulture, out var asked) ? asked : 30;
        await using var node = await NodeFixture.StartAsync();
        for (var i = 0; i < WarmUp; i++) await LiveAsync(node, $"warm-{i}");
        var before = await SettledAsync(node);
        for (var i = 0; i < pods; i++) await LiveAsync(node, $"soak-{i}");
        var after = await SettledAsync(node);

        Assert.Equal(before.Mounts, after.Mounts);
        Assert.InRange(after.Children, 0, before.Children);
        Assert.Equal(before.Folders, after.Folders);
        Assert.InRange(after.Descriptors, 0, before.Descriptors + 4);
        Assert.InRange(after.HeapBytes, 0, before.HeapBytes + (2 << 20) + (pods * BytesAPodAtMost));
    }

    private sealed record Footprint(int Descriptors, int Mounts, int Children, int Folders, long HeapBytes);

    private static async Task LiveAsync(NodeFixture node, string name)
    {
        await node.RunAsync(name, "echo short", "volumes: [{name: v, emptyDir: {sizeLimit: 1Mi}}]", "volumeMounts: [{name: v, mountPath: /v}]\nresources: {limits: {memory: 64Mi}}");
        await node.DeleteAsync(name, TimeSpan.Zero);
        await node.WaitGoneAsync(name);
    }

    /// <summary>What is there once it has stopped falling: processes are reaped and groups let go a little after their pod.</summary>
    private static async Task<Footprint> SettledAsync(NodeFixture node)
    {
        var last = Measure(node);
        for (var i = 0; i < 20; i++)
        {
            await Task.Delay(100, NodeFixture.Cancelled);
            var next = Measure(node);
            if (next with { HeapBytes = 0 } == last with { HeapBytes = 0 }) return next;
            last = next;
        }

        return last;
    }

    private static Footprint Measure(NodeFixture node)
    {
        var holder = node.Node.HolderPid;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return new Footprint(
            Directory.GetFileSystemEntries("/proc/self/fd").Length,
            (ProcessTree.Read($"/proc/{holder}/mountinfo") ?? "").Split('\n').Length,
            ProcessTree.Children(Environment.ProcessId).Count,
            Directory.GetDirectories($"/proc/{holder}/root/pods").Length,
            GC.GetTotalMemory(forceFullCollection: true));
    }
}
