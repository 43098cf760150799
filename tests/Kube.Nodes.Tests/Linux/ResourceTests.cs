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
        ResourceLimits.Read(new PodSpecView(KubeObject.From(Yaml.Read($"{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{containers: [{{name: c, resources: {resources}}}]}}}}")[0].Root)).Containers[0]);
}

/// <summary>Settings of the security context and limits, as real processes.</summary>
[Trait("Category", "sandbox")]
public sealed class SecurityTests(SecurityTests.Shared shared) : IClassFixture<SecurityTests.Shared>
{
    private readonly NodeFixture _node = shared.Node;

    public sealed class Shared : IAsyncLifetime
    {
        internal NodeFixture Node { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Node = await NodeFixture.StartAsync();

        public ValueTask DisposeAsync() => Node.DisposeAsync();
    }

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
        await NodeFixture.UntilAsync(static () => !Directory.EnumerateDirectories("/sys/fs/cgroup", $"*kube-node-{Environment.ProcessId}-*greedy*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 4, IgnoreInaccessible = true }).Any());
    }

    [Fact]
    public async Task What_is_not_carried_out_is_said_in_one_event()
    {
        await _node.RunAsync("unmet", "true", "shareProcessNamespace: true", "securityContext: {seccompProfile: {type: RuntimeDefault}}");
        var events = await _node.SettledEventsAsync("unmet", "NotEnforced");
        Assert.Contains("Warning NotEnforced x1: Not carried out on this machine: shareProcessNamespace (each container has a process tree of its own); containers[main].securityContext.seccompProfile (no system call is filtered)", events, StringComparison.Ordinal);
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
