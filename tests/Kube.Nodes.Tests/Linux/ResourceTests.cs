using Kube.Nodes.Linux;
using Kube.Types;

namespace Kube.Nodes.Tests;

/// <summary>What the kernel is told of a container's limits, and where.</summary>
public sealed class ResourceLimitsTests
{
    [Fact]
    public void Limits_become_the_files_of_either_version()
    {
        var limits = Read("{limits: {memory: 64Mi, cpu: 1500m}, requests: {cpu: 500m}}");
        Assert.Equal(
            ["memory.limit_in_bytes 67108864", "memory.memsw.limit_in_bytes 67108864", "cpu.shares 512", "cpu.cfs_period_us 100000", "cpu.cfs_quota_us 150000"],
            limits.Version1().Select(static f => $"{f.File} {f.Value}"));
        Assert.Equal(
            ["memory.max 67108864", "memory.swap.max 0", "memory.oom.group 1", "cpu.weight 20", "cpu.max 150000 100000"],
            limits.Version2().Select(static f => $"{f.File} {f.Value}"));
    }

    [Fact]
    public void A_limit_is_the_request_where_none_is_given_and_nothing_asks_for_nothing()
    {
        Assert.Equal(new ResourceLimits(null, 2000, 2000), Read("{limits: {cpu: 2}}"));
        Assert.True(Read("{}").IsEmpty);
        Assert.False(Read("{requests: {cpu: 1}}").HasLimit);
        Assert.Equal(["pids.max 100"], new ResourceLimits(null, null, null, 100).Version2().Select(static f => $"{f.File} {f.Value}"));
    }

    [Theory]
    [InlineData("4:memory:/job\n1:cpu,cpuacct:/job", "32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct", 1, "/sys/fs/cgroup/memory/job")]
    [InlineData("4:memory:/docker/abc", "32 31 0:29 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory", 1, "/sys/fs/cgroup/memory")]
    [InlineData("0::/user.slice/session-1.scope", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", 2, "/sys/fs/cgroup/user.slice")]
    [InlineData("0::/", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", 0, null)]
    [InlineData("", "", 0, null)]
    public void The_place_is_where_this_process_may_make_groups(string membership, string mounts, int version, string? memory)
    {
        var tree = ControlGroupTree.Find(membership, mounts, static path => path == "/sys/fs/cgroup/user.slice/cgroup.subtree_control" ? "cpu memory pids\n" : "", static _ => true);
        Assert.Equal(version, tree.Version);
        Assert.Equal(memory, tree.Folders.GetValueOrDefault("memory"));
        Assert.Equal(version == 0, tree.Obstacle.Length > 0);
    }

    private static ResourceLimits Read(string resources) =>
        ResourceLimits.Of(new PodSpecView(KubeObject.From(Yaml.Read($"{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{containers: [{{name: c, resources: {resources}}}]}}}}")[0].Root)).Containers[0]);
}

/// <summary>What is written into a tree of version 2. A folder stands for the tree, and the test for the kernel that makes each group's files.</summary>
public sealed class ControlGroupFilesTests : IDisposable
{
    private const string Unified = "0::/user.slice/session-1.scope";

    private readonly string _tree = Directory.CreateTempSubdirectory("kube-nodes-groups").FullName;

    public void Dispose() => Directory.Delete(_tree, recursive: true);

    [Fact]
    public void Groups_of_groups_offer_their_controllers_and_only_the_innermost_holds_processes()
    {
        var groups = Groups();
        var run = Path.Join(Own(), "uid", "uid-main-0");
        var group = Create();

        Assert.Equal([run], group.Folders);
        Assert.Equal($"echo 0 >{run}/cgroup.procs\n", group.JoinScript(""));
        Assert.Equal("+cpu +memory +pids", File.ReadAllText(Path.Join(Own(), "cgroup.subtree_control")));
        Assert.Equal("+cpu +memory +pids", File.ReadAllText(Path.Join(Own(), "uid", "cgroup.subtree_control")));
        // The kernel lets a group have either processes or controllers for groups below it ("no internal processes").
        Assert.False(File.Exists(Path.Join(run, "cgroup.subtree_control")));

        // The kernel makes a group's files with it; here they come late, and so does what is written into them.
        string[] files = ["memory.max", "memory.swap.max", "memory.oom.group", "cpu.weight", "cpu.max"];
        foreach (var file in files) Lay(run, file, "max");
        Create();
        Assert.Equal(["67108864", "0", "1", "20", "150000 100000"], files.Select(f => File.ReadAllText(Path.Join(run, f))));

        ContainerGroup Create() => groups.Create("uid", "uid-main-0", new ResourceLimits(null, null, null, 500), new ResourceLimits(64 << 20, 1500, 500))!;
    }

    [Fact]
    public void The_pods_processes_are_limited_in_the_pods_group()
    {
        var groups = Groups();
        Lay(Path.Join(Own(), "uid"), "pids.max", "max");
        groups.Create("uid", "uid-main-0", new ResourceLimits(null, null, null, 500), new ResourceLimits(null, null, null));
        Assert.Equal("500", File.ReadAllText(Path.Join(Own(), "uid", "pids.max")));
    }

    [Theory]
    [InlineData("low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\noom_group_kill 1\n", true)]
    [InlineData("low 0\nhigh 0\nmax 4\noom 0\noom_kill 0\noom_group_kill 0\n", false)]
    public void A_kill_for_want_of_memory_is_read_from_the_groups_events(string events, bool killed)
    {
        var run = Path.Join(Own(), "uid", "run");
        Lay(run, "memory.events", events);
        var group = new ContainerGroup(2, [run]);
        Assert.Equal((killed, false), (group.RanOutOfMemory, group.EndedAsOne));
        Lay(run, "memory.oom.group", "1\n");
        Assert.Equal(killed, group.EndedAsOne);
    }

    [Fact]
    public void A_group_that_still_has_a_process_is_told_to_end_it_and_goes_later()
    {
        var groups = Groups();
        var group = groups.Create("uid", "run", new ResourceLimits(null, null, null), new ResourceLimits(null, 1000, null))!;
        // A file keeps this folder as a process keeps a group.
        Lay(group.Folders[0], "cgroup.kill", "");
        groups.Discard(group);
        Assert.Equal("1", File.ReadAllText(Path.Join(group.Folders[0], "cgroup.kill")));
        File.Delete(Path.Join(group.Folders[0], "cgroup.kill"));
        groups.RemoveLate();
        Assert.False(Directory.Exists(group.Folders[0]));
    }

    [Fact]
    public void What_dead_nodes_have_left_goes_and_what_living_ones_have_stays()
    {
        var self = ProcessTree.Stat(Environment.ProcessId)!.Value.StartTicks;
        var dead = Directory.CreateDirectory(Path.Join(_tree, "user.slice", $"kube-node-{Environment.ProcessId}-{self + 1}", "uid", "run")).FullName;
        var living = Directory.CreateDirectory(Path.Join(_tree, "user.slice", $"kube-node-{Environment.ProcessId}-{self}", "uid", "run")).FullName;
        Groups();
        Assert.False(Directory.Exists(Path.GetDirectoryName(Path.GetDirectoryName(dead))));
        Assert.True(Directory.Exists(living));
    }

    private string Own() => Path.Join(_tree, "user.slice", $"kube-node-{Environment.ProcessId}-{ProcessTree.Stat(Environment.ProcessId)!.Value.StartTicks}");

    private ControlGroups Groups() => new(ControlGroupTree.Find(
        Unified, $"30 23 0:26 / {_tree} rw - cgroup2 cgroup2 rw", path => path == $"{_tree}/user.slice/cgroup.subtree_control" ? "cpu io memory pids\n" : "", static _ => true));

    private static void Lay(string folder, string file, string content)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Join(folder, file), content);
    }
}

/// <summary>Settings of the security context and limits, as real processes.</summary>
[Trait("Category", "sandbox")]
public sealed class SecurityTests(SharedNode shared) : IClassFixture<SharedNode>
{
    private readonly NodeFixture _node = shared.Node;

    [Fact]
    public async Task A_container_that_uses_up_its_memory_is_OOMKilled()
    {
        if (ControlGroups.OfThisMachine().Obstacle.Length > 0)
        {
            await _node.RunAsync("unlimited", "true", container: "resources: {limits: {memory: 32Mi}}");
            Assert.Contains(_node.Notices, static n => n.StartsWith("limits of memory and CPU are not enforced", StringComparison.Ordinal));
            return;
        }

        await _node.RunAsync("greedy", "exec python3 -c 'x = bytes([1]) * (200 << 20)'", container: "resources: {limits: {memory: 32Mi, cpu: 500m}}");
        var end = (await _node.WaitPhaseAsync("greedy", "Failed")).Items("status", "containerStatuses").Single().At("state", "terminated");
        Assert.Equal((137, "OOMKilled"), (end.Integer("exitCode"), end.Text("reason")));
        var uid = (await _node.PodAsync("greedy")).Meta.Uid;
        await NodeFixture.UntilAsync(() => GroupsOf(uid).Count == 0);
    }

    [Fact]
    public async Task What_is_run_in_a_container_counts_into_its_limits()
    {
        if (ControlGroups.OfThisMachine().Obstacle.Length > 0) Assert.Skip("this machine lets this user make no control groups");
        await _node.ApplyAsync("{apiVersion: v1, kind: Pod, metadata: {name: entered}, spec: {restartPolicy: Never, containers: [{name: main, image: x/y, command: [sh, -c, 'cat /proc/self/cgroup; exec sleep 1000'], resources: {limits: {memory: 48Mi}}}]}}");
        await _node.WaitLogAsync("entered", "main", "main-0");
        Assert.Equal(await _node.LogAsync("entered", "main"), await ExecAsync("entered", "cat /proc/self/cgroup"));

        // Used up by a guest: the kernel ends the guest (version 1) or, as the kubelet wants it, the container as one (version 2).
        await ExecAsync("entered", "exec python3 -c 'x = bytes([1]) * (200 << 20)'", exitCode: 137);
        await _node.DeleteAsync("entered", TimeSpan.Zero);
        await _node.WaitGoneAsync("entered");
    }

    [Fact]
    public async Task A_pod_may_have_so_many_processes_and_no_more()
    {
        if (!ControlGroups.OfThisMachine().CountsPids) Assert.Skip("this machine counts no processes for this user");
        await using var node = await NodeFixture.StartAsync(static o => o with { PodPidsLimit = 20 });
        var said = await node.RunAsync("many", "for i in $(seq 50); do sleep 100 & done; echo not reached");
        Assert.Contains("fork", said, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("not reached", said, StringComparison.Ordinal);
        var uid = (await node.PodAsync("many")).Meta.Uid;
        await node.DeleteAsync("many");
        await node.WaitGoneAsync("many");
        await NodeFixture.UntilAsync(() => GroupsOf(uid).Count == 0);
    }

    private async Task<string> ExecAsync(string pod, string script, int exitCode = 0)
    {
        await using var session = await _node.Node.ExecAsync("default", pod, "main", ["sh", "-c", script], terminal: false, NodeFixture.Cancelled);
        await session.Input.DisposeAsync();
        using var output = new StreamReader(session.Output);
        var said = await output.ReadToEndAsync(NodeFixture.Cancelled);
        Assert.Equal(exitCode, await session.Ended.WaitAsync(TimeSpan.FromSeconds(30), NodeFixture.Cancelled));
        return said;
    }

    private static List<string> GroupsOf(string uid) =>
        [.. Directory.EnumerateDirectories("/sys/fs/cgroup", $"*{uid}*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 5, IgnoreInaccessible = true })];

    [Fact]
    public async Task What_is_not_carried_out_is_said_in_one_event()
    {
        await _node.RunAsync("unmet", "true", "shareProcessNamespace: true", "securityContext: {seccompProfile: {type: RuntimeDefault}}\nresources: {limits: {ephemeral-storage: 1Gi}}");
        var events = await _node.SettledEventsAsync("unmet", "NotEnforced");
        Assert.Contains("Warning NotEnforced x1: Not carried out on this machine: shareProcessNamespace (each container has a process tree of its own); containers[main].securityContext.seccompProfile (no system call is filtered); containers[main].resources.limits.ephemeral-storage (what a container writes is memory, and counts into its limit of that)", events, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_read_only_root_safe_sysctls_and_no_new_privileges_hold()
    {
        var text = await _node.RunAsync(
            "strict",
            "touch /etc/x 2>&1 | grep -o 'Read-only file system'; cat /proc/sys/net/ipv4/tcp_fin_timeout; grep NoNewPrivs /proc/self/status | tr -d '\\t'; hostname",
            "hostname: h\nsubdomain: sub\nsetHostnameAsFQDN: true\nsecurityContext: {sysctls: [{name: net.ipv4.tcp_fin_timeout, value: \"17\"}]}",
            "securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false}");
        Assert.Equal("Read-only file system\n17\nNoNewPrivs:1\nh.sub.default.svc.cluster.local\n", text);
    }

    [Theory]
    [InlineData("runAsNonRoot: true", "container has runAsNonRoot and image will run as root")]
    [InlineData("runAsNonRoot: true, runAsUser: 0", "container's runAsUser breaks non-root policy")]
    public async Task Root_is_refused_where_it_is_not_wanted(string context, string message)
    {
        var name = $"nonroot-{context.Length}";
        await _node.ApplyAsync($"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{containers: [{{name: main, image: x/y, command: [id], securityContext: {{{context}}}}}]}}}}");
        var pod = await _node.WaitAsync(name, static p => p.Items("status", "containerStatuses").Any(static c => c.Text("state", "waiting", "reason") == "CreateContainerConfigError"));
        Assert.StartsWith(message, pod.Items("status", "containerStatuses").Single().Text("state", "waiting", "message"), StringComparison.Ordinal);
        await _node.DeleteAsync(name, TimeSpan.Zero);
    }
}
