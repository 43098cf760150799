using System.Globalization;

namespace EndToEnd;

/// <summary><c>kubectl logs</c> in its many forms; the sentences of docs/kubernetes/exec-and-logs.md.</summary>
[Collection("this machine")]
public sealed class KubectlLogsTests(KubectlCluster cluster) : IClassFixture<KubectlCluster>
{
    public static TheoryData<string> Each => KubectlCluster.Each;

    [Theory]
    [MemberData(nameof(Each))]
    public async Task What_is_asked_for_is_what_is_shown(string kubectl)
    {
        Assert.Equal("aside\n", await LogsAsync("work"));
        Assert.Equal("line 1\nline 2\nline 3\n", await LogsAsync("work -c main"));
        Assert.Equal("line 2\nline 3\n", await LogsAsync("work -c main --tail=2"));
        Assert.Equal("line 1\nli", await LogsAsync("work -c main --limit-bytes=9"));
        Assert.Equal("", await LogsAsync("work -c main --since-time=2999-01-01T00:00:00Z"));
        Assert.Equal("line 3\n", await LogsAsync("work -c main --since=10h --tail=1"));
        Assert.Equal("from init\n", await LogsAsync("work -c first"));
        // kubectl takes the containers in no certain order.
        Assert.Equal(["aside", "from init", "line 1", "line 2", "line 3"], (await LogsAsync("work --all-containers")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        Assert.Equal("[pod/work/main] line 3\n", await LogsAsync("-l app=work -c main --prefix --tail=1"));
        var stamped = (await LogsAsync("work -c main --timestamps --tail=1")).Split(' ', 2);
        Assert.Equal("line 3\n", stamped[1]);
        Assert.True(DateTimeOffset.TryParse(stamped[0], CultureInfo.InvariantCulture, out _), stamped[0]);

        async Task<string> LogsAsync(string arguments) => (await cluster.RunAsync(kubectl, $"logs {arguments}")).ShouldBe(0).Output;
    }

    [Theory]
    [MemberData(nameof(Each))]
    public async Task Following_shows_every_line_and_ends_with_the_container(string kubectl)
    {
        var job = $"counting-{Array.IndexOf(KubectlCluster.Kubectls, kubectl)}";
        await cluster.ApplyAsync($$"""
            apiVersion: batch/v1
            kind: Job
            metadata: {name: {{job}}}
            spec:
              template:
                spec:
                  restartPolicy: Never
                  containers: [{name: main, image: scratch/none, command: [sh, -c, 'for i in 1 2 3 4; do echo "count $i"; sleep 0.5; done']}]
            """);
        (await cluster.RunAsync(kubectl, $"wait --for=jsonpath={{.status.ready}}=1 job/{job} --timeout=30s")).ShouldBe(0);
        Assert.Equal("count 1\ncount 2\ncount 3\ncount 4\n", (await cluster.RunAsync(kubectl, $"logs -f job/{job}")).ShouldBe(0).Output);
    }

    [Fact]
    public async Task Following_can_be_cut_off_by_either_side()
    {
        Assert.Equal("line 1\n", (await cluster.RunAsync("kubectl", "logs -f work -c main --limit-bytes=7")).ShouldBe(0).Output);
        (await cluster.RunAsync("timeout 2 kubectl", "logs -f work -c main")).ShouldBe(124);
    }

    [Theory]
    [MemberData(nameof(Each))]
    public async Task A_container_that_crashes_again_and_again_shows_its_last_run_as_now_and_as_before(string kubectl)
    {
        var pod = $"crashing-{Array.IndexOf(KubectlCluster.Kubectls, kubectl)}";
        await cluster.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: {{pod}}}
            spec:
              containers:
              - {name: main, image: scratch/none, command: [sh, -c, "echo last words; exit 2"]}
              - {name: fine, image: scratch/none, command: [sleep, "100000"]}
              terminationGracePeriodSeconds: 0
            """);
        const string reason = "{.status.containerStatuses[0].state.waiting.reason}";
        (await cluster.RunAsync(kubectl, $"wait --for=jsonpath='{reason}'=CrashLoopBackOff pod/{pod} --timeout=40s")).ShouldBe(0);
        Assert.Equal("last words\n", (await cluster.RunAsync(kubectl, $"logs {pod} -c main")).ShouldBe(0).Output);
        Assert.Equal("last words\n", (await cluster.RunAsync(kubectl, $"logs {pod} -c main --previous")).ShouldBe(0).Output);
        Assert.Equal("2", (await cluster.RunAsync(kubectl, $"get pod {pod} -o jsonpath='{{.status.containerStatuses[0].lastState.terminated.exitCode}}'")).Output);
        Assert.Equal(
            $"Error from server (BadRequest): previous terminated container \"fine\" in pod \"{pod}\" not found\n",
            (await cluster.RunAsync(kubectl, $"logs {pod} -c fine --previous")).ShouldBe(1).Error);
        (await cluster.RunAsync(kubectl, $"delete pod {pod} --now")).ShouldBe(0);
    }

    [Fact]
    public async Task A_container_that_waits_says_for_what()
    {
        await cluster.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: behind-init}
            spec:
              terminationGracePeriodSeconds: 0
              initContainers: [{name: slow, image: scratch/none, command: [sleep, "100000"]}]
              containers: [{name: main, image: scratch/none, command: [echo, never]}]
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: without-map}
            spec:
              containers: [{name: main, image: scratch/none, command: [echo, never], envFrom: [{configMapRef: {name: absent}}]}]
            """);
        (await cluster.RunAsync("kubectl", "wait --for=jsonpath='{.status.initContainerStatuses[0].state.running}' pod/behind-init --timeout=30s")).ShouldBe(0);
        (await cluster.RunAsync("kubectl", "wait --for=jsonpath='{.status.containerStatuses[0].state.waiting.reason}'=CreateContainerConfigError pod/without-map --timeout=30s")).ShouldBe(0);
        Assert.Equal("Error from server (BadRequest): container \"main\" in pod \"behind-init\" is waiting to start: PodInitializing\n", (await cluster.RunAsync("kubectl", "logs behind-init -c main")).ShouldBe(1).Error);
        Assert.Equal("Error from server (BadRequest): container \"main\" in pod \"without-map\" is waiting to start: CreateContainerConfigError\n", (await cluster.RunAsync("kubectl", "logs without-map")).ShouldBe(1).Error);
        Assert.Contains("container x is not valid for pod work\n", (await cluster.RunAsync("kubectl", "logs work -c x")).ShouldBe(1).Error, StringComparison.Ordinal);
    }
}
