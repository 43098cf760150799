using System.Diagnostics;
using System.Globalization;
using Kube.Client;
using Kube.Types;

namespace EndToEnd;

/// <summary>
/// Many runs in one cluster, and many clusters that are killed: nothing may pile up. <c>./test</c> takes a few; the full size is
/// <c>KUBEMPI_SOAK_RUNS=1000 KUBEMPI_KILLS=100 ./test end-to-end -class EndToEnd.SoakTests</c> (results in docs/local-cluster.md).
/// </summary>
[Collection("this machine")]
public sealed class SoakTests(ITestOutputHelper output)
{
    private static readonly int Runs = Soak.Setting("KUBEMPI_SOAK_RUNS", 20);
    private static readonly int Kills = Soak.Setting("KUBEMPI_KILLS", 5);

    /// <summary>How many runs are under way at once, and how many pass between two measurements.</summary>
    private const int Lanes = 3;
    private const int RunsBetweenMeasurements = 20;

    /// <summary>The first runs fill what is bounded: compiled code, heap, the history that watches may go back in.</summary>
    private static readonly int WarmUp = Math.Min(500, Runs / 2);

    /// <summary>Only ends what hangs: a busy machine makes a run slow, not wrong.</summary>
    private static readonly TimeSpan RunLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task Runs_in_one_cluster_leave_no_process_descriptor_mount_or_link_and_take_no_more_memory()
    {
        await using var house = new Household(TimeSpan.FromMinutes(2) + Runs * TimeSpan.FromSeconds(30));
        (await house.RunAsync("up")).ShouldEndWith(0);
        using var client = Cluster.Connect(house);
        var manifest = Yaml.Read(await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/hostname/hostname.yaml"), house.Limit))[0].Root;

        // The program itself once: what follows does the same over the API, without a process of its own for each run.
        (await house.RunAsync("run", "examples/hostname/hostname.yaml")).ShouldEndWith(0);
        var first = await AtRestAsync(house, client);
        output.WriteLine($"after 1 run: {first}");
        var measured = new List<(int Run, double HeapKiB)>();
        var last = first;
        for (var done = 0; done < Runs;)
        {
            var batch = Math.Min(RunsBetweenMeasurements, Runs - done);
            var begin = done;
            await Task.WhenAll(Enumerable.Range(0, Lanes).Select(async lane =>
            {
                for (var run = begin + lane; run < begin + batch; run += Lanes) await RunOnceAsync(client, manifest, run, house.Limit);
            }));
            done += batch;
            last = await AtRestAsync(house, client);
            measured.Add((done, (await client.ReadAsync("/kubempi/memory", house.Limit)).Integer("heapBytes")!.Value / 1024.0));
            output.WriteLine($"after {done.ToString(CultureInfo.InvariantCulture)} runs: {last}, {measured[^1].HeapKiB / 1024:0.0} MiB of it live objects");
        }

        Assert.Equal((first.Processes, first.Mounts, first.Links), (last.Processes, last.Mounts, last.Links));
        // Idle connections and the thread pool breathe.
        Assert.InRange(last.Descriptors, 0, first.Descriptors + 20);
        Assert.InRange(last.Threads, 0, first.Threads + 20);
        // Garbage that nobody had a reason to collect is no leak: the slope is that of live objects.
        var late = measured.Where(static m => m.Run > WarmUp).ToList();
        if (late.Count < 10) return;
        var slope = Slope(late);
        output.WriteLine($"memory after the first {WarmUp} runs: {slope:0.00} KiB of live objects a run");
        Assert.True(slope < 8, $"the cluster's memory grows by {slope:0.00} KiB a run");
    }

    [Fact]
    public async Task A_cluster_that_is_killed_at_any_moment_leaves_nothing_to_the_next_one()
    {
        await using var house = new Household(TimeSpan.FromMinutes(2) + Kills * TimeSpan.FromMinutes(1));
        var random = new Random(20261121);
        var manifest = Path.Combine(Kubempi.Root, "examples/hostname/hostname.yaml");
        var before = 0;
        for (var kill = 1; kill <= Kills; kill++)
        {
            // 1. A cluster, at work in most cases, and killed while it starts in some.
            using var up = house.Start("up");
            _ = up.StandardOutput.ReadToEndAsync(house.Limit);
            var complaint = up.StandardError.ReadToEndAsync(house.Limit);
            var early = random.Next(5) == 0;
            if (!early)
            {
                await up.WaitForExitAsync(house.Limit);
                Assert.True(up.ExitCode == 0, await complaint);
            }

            var cluster = before = await UntilThereAsync(house, before);
            using var run = early ? null : house.Start("run", manifest);
            _ = run?.StandardOutput.ReadToEndAsync(house.Limit);
            _ = run?.StandardError.ReadToEndAsync(house.Limit);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(early ? 1500 : 8000)), house.Limit);

            // 2. The blow, at the process alone.
            var processes = Machine.Descendants(cluster);
            var namespaces = Machine.Namespaces(cluster);
            using (var blow = Process.Start("kill", ["-KILL", cluster.ToString(CultureInfo.InvariantCulture)])) await blow.WaitForExitAsync(house.Limit);
            if (run is not null) await run.WaitForExitAsync(house.Limit);
            await up.WaitForExitAsync(house.Limit);

            // 3. The kernel ends the rest by itself, in a moment.
            var begun = Stopwatch.GetTimestamp();
            while (processes.Any(Machine.Lives) || Machine.Inside(namespaces).Count > 0)
            {
                Assert.True(Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(20), $"kill {kill}: still there: {string.Join(", ", processes.Where(Machine.Lives))} {string.Join(", ", Machine.Inside(namespaces))}");
                await Task.Delay(Look, house.Limit);
            }

            Assert.Empty(Machine.Mounts(house.Runtime));
            output.WriteLine($"kill {kill}{(early ? ", while starting" : "")}: {processes.Length} processes ended in {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s");
        }

        // 4. The next one knows nothing of them.
        var next = await house.RunAsync("up");
        next.ShouldEndWith(0);
        var alive = house.ClusterPid();
        Assert.Equal(
            ["up", "up.lock"],
            Directory.EnumerateFileSystemEntries(Path.Combine(house.Runtime, "kubempi")).Select(Path.GetFileName).Where(n => !n!.StartsWith($"{alive.ToString(CultureInfo.InvariantCulture)}-", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(3, (await File.ReadAllLinesAsync(house.Kubeconfig, house.Limit)).Count(static l => l.Trim() is "- name: kubempi"));
        Assert.Equal(["config"], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(house.Kubeconfig)!).Select(Path.GetFileName));
        (await house.RunAsync("run", manifest)).ShouldEndWith(0);
        (await house.RunAsync("down")).ShouldEndWith(0);
        Assert.Empty(Directory.EnumerateFileSystemEntries(house.Runtime));
        Assert.False(File.Exists(house.Kubeconfig));
    }

    private static async Task RunOnceAsync(KubeClient client, System.Text.Json.Nodes.JsonObject manifest, int number, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(RunLimit);
        var tree = manifest.DeepClone();
        var name = $"hostname-{number.ToString(CultureInfo.InvariantCulture)}";
        tree["metadata"]!["name"] = name;
        tree["metadata"]!["namespace"] = "default";
        await client.CreateAsync(Cluster.MpiJobs, KubeObject.From(tree), limit.Token);
        while (true)
        {
            var job = await client.GetAsync(Cluster.MpiJobs, "default", name, limit.Token);
            if (job.Has("Succeeded")) break;
            Assert.False(job.Has("Failed"), job.ToString());
            await Task.Delay(Look, limit.Token);
        }

        await client.DeleteAsync(Cluster.MpiJobs, "default", name, new DeleteOptions(Propagation: "Background"), limit.Token);
    }

    /// <summary>Waits until what belonged to the runs is gone, and what the kernel tears down late too.</summary>
    private static async Task<Footprint> AtRestAsync(Household house, KubeClient client)
    {
        foreach (var kind in new[] { Kinds.Pod, Kinds.Job, Kinds.ConfigMap, Kinds.Secret, Kinds.Service })
        {
            while ((await Cluster.NamesAsync(client, kind, house.Limit)).Any(static n => n.Contains("hostname", StringComparison.Ordinal))) await Task.Delay(Look, house.Limit);
        }

        var pid = house.ClusterPid();
        var before = Machine.Measure(pid);
        while (true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), house.Limit);
            var now = Machine.Measure(pid);
            if ((now.Processes, now.Mounts, now.Links) == (before.Processes, before.Mounts, before.Links)) return now;
            before = now;
        }
    }

    private static async Task<int> UntilThereAsync(Household house, int before)
    {
        while (true)
        {
            try
            {
                // The record of the one before is there until its successor has cleared up.
                if (house.ClusterPid() is var pid && pid != before) return pid;
            }
            catch (Exception early) when (early is IOException or System.Text.Json.JsonException)
            {
                // Not there yet.
            }

            await Task.Delay(Look, house.Limit);
        }
    }

    /// <summary>By least squares.</summary>
    private static double Slope(List<(int Run, double HeapKiB)> points)
    {
        var (x, y) = (points.Average(static p => (double)p.Run), points.Average(static p => p.HeapKiB));
        return points.Sum(p => (p.Run - x) * (p.HeapKiB - y)) / points.Sum(p => (p.Run - x) * (p.Run - x));
    }
}
