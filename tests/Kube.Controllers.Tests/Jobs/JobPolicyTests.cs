using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class JobPolicyTests
{
    [Fact]
    public void An_exit_code_that_the_failure_policy_names_ends_the_job_at_once()
    {
        using var world = new World { Script = _ => PodScript.RunsFor(TimeSpan.FromSeconds(5), exitCode: 42) };
        world.Cluster.Create(A.Job("j").With("spec.podFailurePolicy", """{"rules":[{"action":"FailJob","onExitCodes":{"operator":"In","values":[42]}}]}"""));
        world.Run(10);
        var pod = Assert.Single(world.Pods);
        var end = world.Job("j").Status.Finished!;
        Assert.Equal(("Failed", "PodFailurePolicy", $"Container main for pod default/{pod.Meta.Name} failed with exit code 42 matching FailJob rule at index 0"), (end.Type, end.Reason, end.Message));
        Assert.Equal(1, world.Job("j").Status.Failed);
    }

    [Fact]
    public void An_ignored_failure_is_replaced_and_counts_nowhere()
    {
        var pods = 0;
        using var world = new World();
        world.Script = _ => pods++ < 2 ? PodScript.RunsForever with { Eviction = new PodEviction(TimeSpan.FromSeconds(2), "preempted") } : PodScript.RunsFor(TimeSpan.FromSeconds(2));
        world.Cluster.Create(A.Job("j").With("spec.backoffLimit", "0").With("spec.podFailurePolicy", """{"rules":[{"action":"Ignore","onPodConditions":[{"type":"DisruptionTarget","status":"True"}]}]}"""));
        world.Run(60);
        Assert.Equal(("Complete", 0, 3), (world.Job("j").Status.Finished?.Type, world.Job("j").Status.Failed, world.Pods.Count));
    }

    [Fact]
    public void Each_index_has_its_own_limit_and_the_job_goes_on_without_the_failed_ones()
    {
        using var world = new World { Script = p => PodScript.RunsFor(TimeSpan.FromSeconds(5), exitCode: p.CompletionIndex() == 1 ? 1 : 0) };
        world.Cluster.Create(Indexed(3).With("spec.backoffLimitPerIndex", "1"));
        world.Run(120);
        var status = world.Job("j").Status;
        Assert.Equal(("Failed", "FailedIndexes", "0,2", "1", 2), (status.Finished!.Type, status.Finished.Reason, status.CompletedIndexes.ToString(), status.FailedIndexes!.ToString(), status.Failed));
        Assert.Equal(["0", "1"], world.Pods.Where(p => p.CompletionIndex() == 1).Select(p => p.Meta.Annotations[JobIndexes.FailureCount]).Order());
        Assert.All(world.Pods, p => Assert.Empty(p.Meta.Finalizers));
    }

    [Fact]
    public void More_failed_indexes_than_allowed_end_the_job()
    {
        using var world = new World { Script = p => p.CompletionIndex() < 2 ? PodScript.RunsFor(TimeSpan.FromSeconds(5), exitCode: 1) : PodScript.RunsForever };
        world.Cluster.Create(Indexed(4).With("spec.backoffLimitPerIndex", "0").With("spec.maxFailedIndexes", "1"));
        world.Run(60);
        Assert.Equal(("Failed", "MaxFailedIndexesExceeded"), (world.Job("j").Status.Finished?.Type, world.Job("j").Status.Finished?.Reason));
        Assert.Empty(world.LivePods);
    }

    [Fact]
    public void A_rule_may_fail_an_index_that_has_tries_left()
    {
        using var world = new World { Script = p => PodScript.RunsFor(TimeSpan.FromSeconds(5), exitCode: p.CompletionIndex() == 0 ? 7 : 0) };
        world.Cluster.Create(Indexed(2).With("spec.backoffLimitPerIndex", "5").With("spec.podFailurePolicy", """{"rules":[{"action":"FailIndex","onExitCodes":{"operator":"In","values":[7]}}]}"""));
        world.Run(60);
        Assert.Equal(("FailedIndexes", "0", 1), (world.Job("j").Status.Finished?.Reason, world.Job("j").Status.FailedIndexes?.ToString(), world.Job("j").Status.Failed));
    }

    [Fact]
    public void A_success_policy_ends_the_job_while_others_still_run()
    {
        using var world = new World { Script = p => p.CompletionIndex() == 0 ? PodScript.RunsFor(TimeSpan.FromSeconds(5)) : PodScript.RunsForever };
        world.Cluster.Create(Indexed(3).With("spec.successPolicy", """{"rules":[{"succeededIndexes":"0"}]}"""));
        world.Run(60);
        var status = world.Job("j").Status;
        Assert.Equal(("Complete", "SuccessPolicy", "Matched rules at index 0", "0"), (status.Finished!.Type, status.Finished.Reason, status.Finished.Message, status.CompletedIndexes.ToString()));
        Assert.Empty(world.LivePods);
    }

    [Fact]
    public void An_indexed_job_that_is_scaled_down_forgets_the_indexes_beyond()
    {
        using var world = new World { Script = p => p.CompletionIndex() == 3 ? PodScript.RunsFor(TimeSpan.FromSeconds(2)) : PodScript.RunsForever };
        world.Cluster.Create(Indexed(4));
        world.Run(10);
        Assert.Equal("3", world.Job("j").Status.CompletedIndexes.ToString());
        world.Cluster.Patch(Kinds.Job, "j", """{"spec":{"parallelism":2,"completions":2}}""");
        world.Run(10);
        Assert.Equal((0, 2, 2), (world.Job("j").Status.CompletedIndexes.Count, world.Job("j").Status.Active, world.LivePods.Count));
    }

    [Fact]
    public void A_pod_that_loses_the_labels_is_let_go_and_replaced_and_an_orphan_with_them_is_adopted()
    {
        using var world = new World();
        world.Cluster.Create(A.Job("j"));
        world.Run(5);
        var first = Assert.Single(world.Pods);
        world.Cluster.Patch(Kinds.Pod, first.Meta.Name, """{"metadata":{"labels":{"batch.kubernetes.io/controller-uid":"other"}}}""");
        world.Run(5);
        var released = new PodView(world.Cluster.Get(Kinds.Pod, first.Meta.Name));
        Assert.Null(released.Meta.Controller);
        Assert.Empty(released.Meta.Finalizers);
        Assert.Equal(2, world.LivePods.Count);

        world.Cluster.Patch(Kinds.Pod, first.Meta.Name, $$$"""{"metadata":{"labels":{"batch.kubernetes.io/controller-uid":"{{{world.Job("j").Meta.Uid}}}"} } }""");
        world.Run(5);
        Assert.Equal((1, 1), (world.Job("j").Status.Active, world.LivePods.Count));
    }

    [Fact]
    public void Another_manager_s_job_is_left_alone()
    {
        using var world = new World();
        world.Cluster.Create(A.Job("j").With("spec.managedBy", "\"example.com/manager\""));
        world.Run(10);
        Assert.Empty(world.Pods);
        Assert.Null(world.Job("j").Status.StartTime);
    }

    private static ObjectBuilder Indexed(int completions) => A.Job("j").With("spec.completionMode", "\"Indexed\"")
        .With("spec.completions", System.Text.Json.Nodes.JsonValue.Create(completions)).With("spec.parallelism", System.Text.Json.Nodes.JsonValue.Create(completions));
}
