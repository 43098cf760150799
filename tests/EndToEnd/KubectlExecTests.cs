using System.Globalization;
using System.Text;
using Kube.Client;
using Kube.Types;

namespace EndToEnd;

/// <summary>exec, attach, cp and run -it by stock kubectl; the sentences of docs/kubernetes/exec-and-logs.md.</summary>
[Collection("this machine")]
public sealed class KubectlExecTests(KubectlCluster cluster) : IClassFixture<KubectlCluster>
{
    public static TheoryData<string> Each => KubectlCluster.Each;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Each))]
    public async Task Exec_gives_back_both_outputs_and_the_exit_code(string kubectl)
    {
        var run = (await cluster.RunAsync(kubectl, "exec work -c main -- sh -c 'echo out; echo err >&2; exit 3'")).ShouldBe(3);
        Assert.Equal(("out\n", "err\ncommand terminated with exit code 3\n"), (run.Output, run.Error));
        Assert.Equal("1000\n", (await cluster.RunAsync(kubectl, "exec work -- id -u")).ShouldBe(0).Output);
        (await cluster.RunAsync(kubectl, "exec work -c main -- sh -c 'kill -9 $$'")).ShouldBe(137);
    }

    [Theory]
    [MemberData(nameof(Each))]
    public async Task Input_goes_in_byte_by_byte_and_ends(string kubectl)
    {
        var bytes = new byte[2_000_003];
        new Random(5).NextBytes(bytes);
        Assert.Equal(bytes, (await cluster.RunAsync(kubectl, "exec -i work -c main -- cat", bytes)).ShouldBe(0).Bytes);
        (await cluster.RunAsync(kubectl, "exec -i work -c main -- true", bytes)).ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(Each))]
    public async Task Faults_are_said_in_words_that_people_search_for(string kubectl)
    {
        Assert.Contains("exec: \"no-such\": executable file not found in $PATH", (await cluster.RunAsync(kubectl, "exec work -c main -- no-such")).ShouldBe(1).Error, StringComparison.Ordinal);
        // Kubectl 1.36 looks for itself before it asks.
        Assert.Contains("container x is not valid for pod work", (await cluster.RunAsync(kubectl, "exec work -c x -- ls")).ShouldBe(1).Error, StringComparison.Ordinal);
        Assert.Contains("container not found (\"first\")", (await cluster.RunAsync(kubectl, "exec work -c first -- ls")).ShouldBe(1).Error, StringComparison.Ordinal);
        Assert.Contains("kubectl does so from 1.30 on", (await cluster.RunAsync($"KUBECTL_REMOTE_COMMAND_WEBSOCKETS=false {kubectl}", "exec work -c main -- ls")).ShouldBe(1).Error, StringComparison.Ordinal);
        Assert.Contains("cannot be forwarded", (await cluster.RunAsync(kubectl, "port-forward work 18080:80")).ShouldBe(1).Error, StringComparison.Ordinal);
        Assert.Contains("Metrics API not available", (await cluster.RunAsync(kubectl, "top pods")).ShouldBe(1).Error, StringComparison.Ordinal);
        Assert.Contains("ephemeral containers (kubectl debug) do not exist here", (await cluster.RunAsync(kubectl, "debug work --image=x --profile=general")).ShouldBe(1).Error, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Each))]
    public async Task A_shell_in_a_terminal_knows_its_size_and_keys(string kubectl)
    {
        using var typist = cluster.InTerminal(kubectl, "exec -it work -c side -- bash --norc");
        await typist.TypeAsync("PS1=; stty -echo\n");
        await typist.TypeAsync("tty; stty size; echo $TERM\n");
        await typist.SeeAsync("/dev/pts/");
        await typist.SeeAsync("31 97\r\nxterm\r\n");
        var sleep = await SleepAsync("5001", typist);
        await typist.TypeAsync("\u0003");
        await typist.TypeAsync("echo left with $?\n");
        await typist.SeeAsync("left with 130");
        await UntilAsync(() => !Runs(sleep));
        await typist.TypeAsync("exit 9\n");
        Assert.Equal(9, await typist.EndAsync());
    }

    [Theory]
    [MemberData(nameof(Each))]
    public async Task A_kubectl_that_goes_away_takes_its_command_with_it(string kubectl)
    {
        using var process = cluster.Start(kubectl, [kubectl, "exec", "work", "-c", "main", "--", "sleep", "5002"]);
        await UntilAsync(static () => Runs("sleep\05002\0"));
        using (var kill = System.Diagnostics.Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)])) await kill.WaitForExitAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        await UntilAsync(static () => !Runs("sleep\05002\0"));
    }

    [Theory]
    [MemberData(nameof(Each))]
    public async Task Cp_copies_both_ways(string kubectl)
    {
        var folder = Directory.CreateTempSubdirectory("kubempi-cp-");
        try
        {
            var (there, back) = (Path.Combine(folder.FullName, "there"), Path.Combine(folder.FullName, "back"));
            var bytes = new byte[300_001];
            new Random(6).NextBytes(bytes);
            await File.WriteAllBytesAsync(there, bytes, Cancelled);
            (await cluster.RunAsync(kubectl, $"cp {there} work:/tmp/there -c main")).ShouldBe(0);
            (await cluster.RunAsync(kubectl, $"cp work:/tmp/there {back} -c main")).ShouldBe(0);
            Assert.Equal(bytes, await File.ReadAllBytesAsync(back, Cancelled));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(Each))]
    public async Task Run_gives_a_pod_its_input_and_its_exit_code_and_removes_it(string kubectl)
    {
        var run = await cluster.RunAsync(kubectl, "run once -i --rm -q --restart=Never --image=scratch/none -- sh -c 'sleep 1; cat; exit 4'", "hello\n"u8.ToArray());
        Assert.Contains("hello\n", run.ShouldBe(4).Output, StringComparison.Ordinal);
        using var typist = cluster.InTerminal(kubectl, "run shell -it --rm -q --restart=Never --image=scratch/none --env=PS1=ready: -- sh");
        await typist.TypeAsync("\n");
        await typist.SeeAsync("ready:");
        await typist.TypeAsync("stty size; exit 5\n");
        await typist.SeeAsync("31 97");
        Assert.Equal(5, await typist.EndAsync());
        Assert.Equal("", (await cluster.RunAsync(kubectl, "get pods once shell --ignore-not-found")).ShouldBe(0).Output);
    }

    [Theory]
    [MemberData(nameof(Each))]
    public async Task Attach_joins_a_containers_own_streams_and_leaves_it_running(string kubectl)
    {
        var name = $"attached-{Array.IndexOf(KubectlCluster.Kubectls, kubectl)}";
        await cluster.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: {{name}}}
            spec:
              restartPolicy: Never
              containers: [{name: main, image: scratch/none, stdin: true, tty: true, command: [sh, -c, 'while read -r word; do echo "said $word"; [ "$word" != stop ] || exit 0; done']}]
            """);
        (await cluster.RunAsync(kubectl, $"wait --for=condition=Ready pod/{name} --timeout=30s")).ShouldBe(0);
        using (var typist = cluster.InTerminal(kubectl, $"attach -it {name}"))
        {
            await typist.TypeAsync("one\n");
            await typist.SeeAsync("said one");
        }

        Assert.Equal("Running", (await cluster.RunAsync(kubectl, $"get pod {name} -o jsonpath={{.status.phase}}")).Output);
        using (var typist = cluster.InTerminal(kubectl, $"attach -it {name}"))
        {
            await typist.TypeAsync("stop\n");
            await typist.SeeAsync("said stop");
            Assert.Equal(0, await typist.EndAsync());
        }

        (await cluster.RunAsync(kubectl, $"wait --for=jsonpath={{.status.phase}}=Succeeded pod/{name} --timeout=30s")).ShouldBe(0);
        Assert.Contains("said one\r\n", (await cluster.RunAsync(kubectl, $"logs {name}")).Output, StringComparison.Ordinal);
        Assert.Contains("completed pod", (await cluster.RunAsync(kubectl, $"exec {name} -- ls")).ShouldBe(1).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_client_runs_commands_as_kubectl_does()
    {
        using var client = cluster.Connect();
        await using var process = await client.ExecAsync("default", "work", new ExecOptions(["sh", "-c", "tr a-z A-Z; echo err >&2; exit 6"], "main", Input: true), Cancelled);
        await process.Input.WriteAsync("loud"u8.ToArray(), Cancelled);
        await process.Input.DisposeAsync();
        using var output = new StreamReader(process.Output);
        using var error = new StreamReader(process.Error);
        Assert.Equal(("LOUD", "err\n"), (await output.ReadToEndAsync(Cancelled), await error.ReadToEndAsync(Cancelled)));
        Assert.Equal(6, await process.WaitAsync(Cancelled));

        await using var absent = await client.ExecAsync("default", "work", new ExecOptions(["no-such"], "main"), Cancelled);
        Assert.Contains("executable file not found", (await Assert.ThrowsAsync<ApiException>(() => absent.WaitAsync(Cancelled))).Message, StringComparison.Ordinal);
        Assert.Equal("container x is not valid for pod work", (await Assert.ThrowsAsync<ApiException>(() => client.ExecAsync("default", "work", new ExecOptions(["ls"], "x"), Cancelled))).Message);
    }

    [Fact]
    public async Task A_pod_that_only_pretends_says_so()
    {
        await cluster.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: pretender}
            spec: {nodeName: virtual-0, tolerations: [{operator: Exists}], containers: [{name: main, image: scratch/none}]}
            """);
        (await cluster.RunAsync("kubectl", "wait --for=condition=Ready pod/pretender --timeout=30s")).ShouldBe(0);
        foreach (var verb in new[] { "exec pretender -- ls", "logs pretender" })
        {
            Assert.Contains("whose pods only pretend to run", (await cluster.RunAsync("kubectl", verb)).ShouldBe(1).Error, StringComparison.Ordinal);
        }
    }

    private static async Task<string> SleepAsync(string seconds, KubectlCluster.Typist typist)
    {
        var line = $"sleep\0{seconds}\0";
        await typist.TypeAsync($"sleep {seconds}\n");
        await UntilAsync(() => Runs(line));
        return line;
    }

    private static bool Runs(string commandLine) => Directory.EnumerateDirectories("/proc").Any(folder =>
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(folder, "cmdline"))) == commandLine;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });

    private static async Task UntilAsync(Func<bool> wanted)
    {
        for (var i = 0; !wanted(); i++)
        {
            Assert.True(i < 600, "it did not come true within half a minute");
            await Task.Delay(50, Cancelled);
        }
    }
}
