using Kube.Nodes.Linux;
using Kube.Types;

namespace Kube.Nodes.Tests;

[Trait("Category", "sandbox")]
public sealed class NodeTests
{
    [Fact]
    public async Task An_init_container_runs_first_then_the_main_one_and_the_pod_succeeds()
    {
        await using var node = await NodeFixture.StartAsync();
        await node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              restartPolicy: Never
              volumes: [{name: share, emptyDir: {}}]
              initContainers:
              - {name: first, image: x/y, command: [sh, -c, "echo from-init >/share/f"], volumeMounts: [{name: share, mountPath: /share}]}
              containers:
              - {name: main, image: x/y, command: [cat, /share/f], volumeMounts: [{name: share, mountPath: /share}]}
            """);
        var pod = await node.WaitPhaseAsync("a", "Succeeded");
        Assert.Equal("from-init\n", await node.LogAsync("a", "main"));
        var main = Assert.Single(pod.Items("status", "containerStatuses"));
        Assert.Equal("Completed", main.Text("state", "terminated", "reason"));
        Assert.Equal(0, main.Integer("restartCount"));
        Assert.Contains("Normal Started x1: Started container main", await node.EventsAsync("a"), StringComparison.Ordinal);
    }
}
