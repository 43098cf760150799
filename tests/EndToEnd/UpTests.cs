using System.Diagnostics;

namespace EndToEnd;

/// <summary><c>kubempi up</c> and <c>down</c> as their user has them.</summary>
[Collection("this machine")]
public sealed class UpTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task A_cluster_stays_until_down_and_then_nothing_of_it_is_left()
    {
        await using var house = new Household(Patience);

        var up = await house.RunAsync("up");
        up.ShouldEndWith(0);
        Assert.Contains($"kubeconfig  {house.Kubeconfig}, context kubempi\n", up.Output, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(house.Kubeconfig));
        Assert.Contains("current-context: kubempi", await File.ReadAllTextAsync(house.Kubeconfig, house.Limit), StringComparison.Ordinal);
        var cluster = house.ClusterPid();
        var processes = Machine.Descendants(cluster);
        Assert.NotEmpty(processes);

        var second = await house.RunAsync("up", "--virtual-nodes", "2");
        second.ShouldEndWith(0);
        Assert.StartsWith("The local cluster is up already", second.Output, StringComparison.Ordinal);
        Assert.Contains("it was started without options; for others:  kubempi down && kubempi up --virtual-nodes 2", second.Error, StringComparison.Ordinal);
        Assert.Equal(cluster, house.ClusterPid());

        var down = await house.RunAsync("down");
        down.ShouldEndWith(0);
        Assert.Contains("The local cluster is down", down.Error, StringComparison.Ordinal);
        Assert.All(processes, static p => Assert.False(Machine.Lives(p)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(house.Runtime));
        Assert.False(Directory.Exists(Path.GetDirectoryName(house.Kubeconfig)));

        Assert.Contains("There is no local cluster", (await house.RunAsync("down")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kubeconfig_that_is_there_keeps_everything_and_gets_one_more_context()
    {
        const string Mine = "# mine\nclusters:\n- name: work # prod\n  cluster: {server: https://work.example}\nusers: []\ncontexts:\n- name: work\n  context: {cluster: work, user: \"\"}\ncurrent-context: work\n";
        await using var house = new Household(Patience);
        Directory.CreateDirectory(Path.GetDirectoryName(house.Kubeconfig)!);
        await File.WriteAllTextAsync(house.Kubeconfig, Mine, house.Limit);

        var up = await house.RunAsync("up");
        up.ShouldEndWith(0);
        Assert.Contains("your current context stays what it is", up.Output, StringComparison.Ordinal);
        Assert.Contains("kubectl config use-context kubempi", up.Output, StringComparison.Ordinal);
        Assert.Contains("- name: work # prod", await File.ReadAllTextAsync(house.Kubeconfig, house.Limit), StringComparison.Ordinal);

        (await house.RunAsync("down")).ShouldEndWith(0);
        Assert.Equal(Mine, await File.ReadAllTextAsync(house.Kubeconfig, house.Limit));
    }

    [Fact]
    public async Task A_broken_kubeconfig_is_never_touched()
    {
        const string Broken = "clusters: [\nthis is no YAML";
        await using var house = new Household(Patience);
        Directory.CreateDirectory(Path.GetDirectoryName(house.Kubeconfig)!);
        await File.WriteAllTextAsync(house.Kubeconfig, Broken, house.Limit);

        var up = await house.RunAsync("up");

        up.ShouldEndWith(2);
        Assert.Contains($"{house.Kubeconfig}: it cannot be read", up.Error, StringComparison.Ordinal);
        Assert.Contains("kubempi up --kubeconfig FILE uses a file of its own", up.Error, StringComparison.Ordinal);
        Assert.Equal(Broken, await File.ReadAllTextAsync(house.Kubeconfig, house.Limit));

        var other = Path.Combine(house.Home, "other.yaml");
        var again = await house.RunAsync("up", "--kubeconfig", other);
        again.ShouldEndWith(0);
        Assert.Contains($"export KUBECONFIG={other}", again.Output, StringComparison.Ordinal);
        (await house.RunAsync("down")).ShouldEndWith(0);
        Assert.False(File.Exists(other));
    }

    [Fact]
    public async Task A_run_uses_the_cluster_and_Ctrl_C_cancels_its_job_alone()
    {
        await using var house = new Household(Patience);
        using var run = await StartSleeperAsync(house);
        var cluster = house.ClusterPid();
        using var client = Cluster.Connect(house);
        Assert.Single(await Cluster.NamesAsync(client, Cluster.MpiJobs, house.Limit));
        await SignalAsync(run.Id, "INT", house.Limit);
        await run.WaitForExitAsync(house.Limit);

        Assert.Equal(130, run.ExitCode);
        Assert.Empty(await Cluster.NamesAsync(client, Cluster.MpiJobs, house.Limit));
        Assert.Empty(await Cluster.NamesAsync(client, Kube.Types.Kinds.Pod, house.Limit));
        Assert.Equal(cluster, house.ClusterPid());
    }

    [Fact]
    public async Task A_run_whose_cluster_is_taken_down_says_so_and_fails()
    {
        await using var house = new Household(Patience);
        using var run = await StartSleeperAsync(house);

        var down = await house.RunAsync("down");
        var rest = await run.StandardError.ReadToEndAsync(house.Limit);
        await run.WaitForExitAsync(house.Limit);

        Assert.Contains("ends with it, unfinished: default/sleeper", down.Error, StringComparison.Ordinal);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("the local cluster was ended by kubempi down", rest, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(house.Runtime));
    }

    [Fact]
    public async Task A_run_waits_for_a_cluster_that_is_too_busy_to_answer()
    {
        await using var house = new Household(Patience);
        (await house.RunAsync("up")).ShouldEndWith(0);
        var cluster = house.ClusterPid();
        await SignalAsync(cluster, "STOP", house.Limit);

        // Longer than the client waits for one connection.
        using var run = await RunSleeperAsync(house, async () =>
        {
            await Task.Delay(TimeSpan.FromSeconds(12), house.Limit);
            await SignalAsync(cluster, "CONT", house.Limit);
        });

        (await house.RunAsync("down")).ShouldEndWith(0);
        await run.WaitForExitAsync(house.Limit);
    }

    /// <summary>A cluster that is up, and in it a run whose launcher is at work.</summary>
    private static async Task<Process> StartSleeperAsync(Household house)
    {
        (await house.RunAsync("up")).ShouldEndWith(0);
        return await RunSleeperAsync(house, static () => Task.CompletedTask);
    }

    private static async Task<Process> RunSleeperAsync(Household house, Func<Task> meanwhile)
    {
        var manifest = Path.Combine(house.Home, "sleeper.yaml");
        await File.WriteAllTextAsync(manifest, Sleeper.Manifest, house.Limit);
        var run = house.Start("run", manifest);
        _ = run.StandardOutput.ReadToEndAsync(house.Limit);
        await meanwhile();
        await UntilLineAsync(run, "launcher started", house.Limit);
        return run;
    }

    private static async Task SignalAsync(int process, string signal, CancellationToken cancellation)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(cancellation);
    }

    private static async Task UntilLineAsync(Process run, string text, CancellationToken cancellation)
    {
        while (await run.StandardError.ReadLineAsync(cancellation) is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal)) return;
        }

        Assert.Fail($"the run ended before it said \"{text}\"");
    }
}
