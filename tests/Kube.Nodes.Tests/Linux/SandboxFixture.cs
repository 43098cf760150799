using System.Text;
using Kube.Nodes.Linux;

namespace Kube.Nodes.Tests;

/// <summary>A cluster sandbox and short ways to run things in it.</summary>
internal sealed class SandboxFixture : IAsyncDisposable
{
    private int _next;

    public required ClusterSandbox Cluster { get; init; }

    public static async Task<SandboxFixture> StartAsync(SandboxMode? mode = null)
    {
        var which = mode ?? (Environment.GetEnvironmentVariable("KUBE_NODES_TEST_MODE") is { Length: > 0 } asked ? Enum.Parse<SandboxMode>(asked) : SandboxSupport.BestMode);
        return new SandboxFixture { Cluster = await ClusterSandbox.StartAsync(which, ClusterNetwork.Default, TimeProvider.System, Xunit.TestContext.Current.CancellationToken) };
    }

    public Task<PodSandbox> PodAsync(string name) => PodSandbox.CreateAsync(Cluster, $"uid-{name}", name, _next++, Xunit.TestContext.Current.CancellationToken);

    public RunningContainer Start(PodSandbox pod, string script, uint uid = 0, Action<PodRoot>? root = null, Func<ContainerSpec, ContainerSpec>? change = null)
    {
        var folder = $"{pod.Folder}/containers/c{_next++}";
        SandboxFiles.MakeFolder(Cluster.Files + folder);
        SandboxFiles.MakeFolder($"{Cluster.Files}{folder}/root");
        var tree = new PodRoot($"{Cluster.Files}{folder}/root", ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/opt"], []);
        tree.Write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nsshd:x:102:65534::/run/sshd:/usr/sbin/nologin\nuser:x:1000:1000::/home/user:/bin/sh\n");
        tree.Write("/etc/group", "root:x:0:\nuser:x:1000:\n");
        tree.Write("/etc/nsswitch.conf", "hosts: files dns\npasswd: files\ngroup: files\n");
        root?.Invoke(tree);
        SandboxFiles.Write($"{Cluster.Files}{folder}/mounts", tree.MountTable($"{folder}/root", pod.Folder, guarded: Cluster.Mode == SandboxMode.Root));
        var spec = new ContainerSpec
        {
            Name = "c",
            Command = ["sh", "-c", script],
            Environment = [new("PATH", Tool.SearchPath), new("HOME", uid == 0 ? "/root" : "/home/user")],
            WorkingDirectory = "/",
            User = new ContainerUser(uid, uid, []),
        };
        return RunningContainer.Start(pod, change?.Invoke(spec) ?? spec, folder, new ContainerLog(TimeProvider.System, LogBounds.Kubelet));
    }

    /// <summary>Runs a container to its end: exit code and everything it wrote, or why it did not start.</summary>
    public async Task<(int Code, string Text)> RunAsync(PodSandbox pod, string script, uint uid = 0, Action<PodRoot>? root = null, Func<ContainerSpec, ContainerSpec>? change = null)
    {
        using var container = Start(pod, script, uid, root, change);
        var code = await container.Ended.WaitAsync(TimeSpan.FromSeconds(30), Xunit.TestContext.Current.CancellationToken);
        if (await container.Started is ContainerStart.Refused refused) return (code, refused.Message);
        return (code, Text(container.Log));
    }

    public static string Text(ContainerLog log) => string.Concat(log.From(0).Select(static e => Encoding.UTF8.GetString(e.Text.Span)));

    public ValueTask DisposeAsync() => Cluster.DisposeAsync();
}
