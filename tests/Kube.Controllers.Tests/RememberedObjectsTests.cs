using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

/// <summary>A cluster that has seen many objects come and go remembers no more than one that was just begun.</summary>
public sealed class RememberedObjectsTests
{
    private const int Rounds = 6;

    [Fact]
    public void Nothing_that_was_kept_for_an_object_stays_when_it_is_gone()
    {
        using var world = new World(nodes: 2, cpu: "16") { Script = static p => p.Meta.Controller is { Kind: "Job" } ? PodScript.RunsFor(TimeSpan.FromSeconds(2), p.Meta.Name.Contains("bad", StringComparison.Ordinal) ? 1 : 0) : PodScript.RunsForever };
        world.Run(60);
        var before = world.Controllers.Remembered.Counts;
        for (var round = 0; round < Rounds; round++) ComeAndGo(world, round);
        // The longest that anything is awaited, or waited out after failures.
        world.Run(900);

        Assert.Empty(world.Pods);
        Assert.Equal(before.Select(static c => (c.Key, c.Value)), world.Controllers.Remembered.Counts.Select(static c => (c.Key, c.Value)));
    }

    [Fact]
    public void What_is_kept_is_counted()
    {
        using var world = new World();
        world.Run(60);
        var before = world.Controllers.Remembered.Counts;
        world.Cluster.Create(A.Job("j"));
        world.Cluster.Create(A.Service("s", ("app", "x")).Port(80));
        world.Run(5);
        foreach (var part in new[] { "endpoints", "events", "garbage", "jobs", "scheduler" })
        {
            Assert.True(world.Controllers.Remembered.Counts.GetValueOrDefault(part) > before.GetValueOrDefault(part), part);
        }
    }

    /// <summary>Jobs that succeed, fail, or never fit; sets; pods that are evicted with their node; with Services and budgets over them.</summary>
    private static void ComeAndGo(World world, int round)
    {
        var cluster = world.Cluster;
        for (var i = 0; i < 5; i++) cluster.Create(A.Job($"good-{round}-{i}").With("spec.ttlSecondsAfterFinished", "1"));
        cluster.Create(A.Job($"bad-{round}").With("spec.backoffLimit", "1"));
        cluster.Create(A.Job($"large-{round}").With("spec.template.spec.containers", """[{"name":"main","image":"i","resources":{"requests":{"cpu":"100"}}}]"""));
        cluster.Create(A.Workload(Kinds.Deployment, $"d-{round}", 2));
        cluster.Create(A.StatefulSet($"s-{round}", 2));
        cluster.Create(A.Service($"s-{round}", ("app", $"s-{round}")).Port(80));
        cluster.Create(A.Object(Kinds.PodDisruptionBudget, $"b-{round}").With("spec", $$$"""{"minAvailable":1,"selector":{"matchLabels":{"app":"d-{{{round}}}"} } }"""));
        cluster.Create(A.Pod($"alone-{round}").With("spec.nodeName", System.Text.Json.Nodes.JsonValue.Create($"gone-{round}")));
        world.Run(8);
        cluster.Patch(Kinds.Node, "node1", """{"spec":{"taints":[{"key":"k","effect":"NoExecute"}]}}""");
        world.Run(2);
        cluster.Patch(Kinds.Node, "node1", """{"spec":{"taints":null}}""");
        world.Run(20);
        foreach (var job in new[] { $"bad-{round}", $"large-{round}" }) cluster.Delete(Kinds.Job, job, "Background");
        cluster.Delete(Kinds.Deployment, $"d-{round}", "Foreground");
        cluster.Delete(Kinds.StatefulSet, $"s-{round}", "Background");
        cluster.Delete(Kinds.Service, $"s-{round}");
        cluster.Delete(Kinds.PodDisruptionBudget, $"b-{round}");
        cluster.Delete(Kinds.Pod, $"alone-{round}", grace: TimeSpan.Zero);
        world.Run(10);
    }
}
