using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class JobControllerTests
{
    [Fact]
    public void A_job_runs_its_pod_to_completion()
    {
        using var world = new World { Script = _ => PodScript.RunsFor(TimeSpan.FromSeconds(30)) };
        world.Cluster.Create(A.Job("j"));
        world.Run(10);
        Assert.Equal((1, 1), (world.Job("j").Status.Active, world.Job("j").Status.Ready));
        world.Run(30);
        var status = world.Job("j").Status;
        Assert.Equal(("Complete", 1, 0, 0), (status.Finished!.Type, status.Succeeded, status.Active, status.UncountedSucceeded.Count));
        Assert.Equal(TimeSpan.FromSeconds(30), status.CompletionTime - status.StartTime);
        Assert.Empty(Assert.Single(world.Pods).Meta.Finalizers);
        Assert.Superset(new HashSet<string> { "Completed", "SuccessfulCreate", "Scheduled" }, world.EventReasons.ToHashSet());
    }

    [Fact]
    public void A_failing_job_is_retried_up_to_its_limit_and_then_fails()
    {
        using var world = new World { Script = _ => PodScript.RunsFor(TimeSpan.FromSeconds(1), exitCode: 3) };
        world.Cluster.Create(A.Job("j").With("spec.backoffLimit", "2"));
        world.Run(1 + 10 + 1 + 20);
        Assert.Null(world.Job("j").Status.Finished);
        world.Run(60);
        var status = world.Job("j").Status;
        Assert.Equal(("Failed", "BackoffLimitExceeded", 3), (status.Finished!.Type, status.Finished.Reason, status.Failed));
        Assert.Equal(3, world.Pods.Count);
        Assert.Contains("BackoffLimitExceeded", world.EventReasons);
    }

    [Fact]
    public void Suspension_kills_the_pods_and_resumption_makes_new_ones()
    {
        using var world = new World { Script = _ => new PodScript { StopTime = TimeSpan.FromSeconds(5) } };
        world.Cluster.Create(A.Job("j").With("spec.parallelism", "3").With("spec.completions", "3"));
        world.Run(1);
        Assert.Equal(3, world.LivePods.Count);
        world.Cluster.Patch(Kinds.Job, "j", """{"spec":{"suspend":true}}""");
        world.Run(6);
        Assert.Empty(world.Pods);
        Assert.Equal((0, 0, true), (world.Job("j").Status.Active, world.Job("j").Status.Failed, world.Job("j").Status.Condition("Suspended")!.IsTrue));
        world.Cluster.Patch(Kinds.Job, "j", """{"spec":{"suspend":false}}""");
        world.Run(1);
        Assert.Equal((3, 3), (world.LivePods.Count, world.Job("j").Status.Active));
    }

    [Fact]
    public void A_finished_job_goes_with_its_pods_when_its_time_to_live_is_over()
    {
        using var world = new World { Script = _ => PodScript.RunsFor(TimeSpan.FromSeconds(1)) };
        world.Cluster.Create(A.Job("j").With("spec.ttlSecondsAfterFinished", "60"));
        world.Run(50);
        Assert.NotNull(world.Cluster.Find(Kinds.Job, "j"));
        world.Run(15);
        Assert.Null(world.Cluster.Find(Kinds.Job, "j"));
        Assert.Empty(world.Pods);
    }

    [Fact]
    public void A_deadline_kills_a_job_that_takes_too_long()
    {
        using var world = new World();
        world.Cluster.Create(A.Job("j").With("spec.activeDeadlineSeconds", "20"));
        world.Run(30);
        var status = world.Job("j").Status;
        Assert.Equal(("Failed", "DeadlineExceeded"), (status.Finished!.Type, status.Finished.Reason));
        Assert.Empty(world.LivePods);
    }

    [Fact]
    public void With_replacement_after_failure_there_are_never_two_pods_at_once()
    {
        using var world = new World { Script = _ => new PodScript { StopTime = TimeSpan.FromSeconds(20) } };
        world.Stepper.AfterProgress = _ => Assert.True(world.LivePods.Count <= 1);
        world.Cluster.Create(A.Job("j").With("spec.podReplacementPolicy", "\"Failed\""));
        world.Run(5);
        var first = Assert.Single(world.LivePods);
        world.Cluster.Delete(Kinds.Pod, first.Meta.Name);
        world.Run(15);
        Assert.Equal((0, 1), (world.Job("j").Status.Active, world.Job("j").Status.Terminating));
        world.Run(30);
        Assert.NotEqual(first.Meta.Uid, Assert.Single(world.LivePods).Meta.Uid);
        Assert.Equal(1, world.Job("j").Status.Failed);
    }

    [Fact]
    public void Each_index_of_an_indexed_job_completes_once()
    {
        using var world = new World { Script = p => PodScript.RunsFor(TimeSpan.FromSeconds(1 + p.CompletionIndex()!.Value)) };
        world.Cluster.Create(A.Job("j").With("spec.parallelism", "2").With("spec.completions", "5").With("spec.completionMode", "\"Indexed\""));
        world.Run(60);
        var job = world.Job("j");
        Assert.Equal(("Complete", 5, "0-4"), (job.Status.Finished!.Type, job.Status.Succeeded, job.Status.CompletedIndexes.ToString()));
        Assert.Equal([0, 1, 2, 3, 4], world.Pods.Select(p => p.CompletionIndex()!.Value).Order());
    }

    [Fact]
    public void A_deleted_job_takes_its_pods_with_it()
    {
        using var world = new World();
        world.Cluster.Create(A.Job("j"));
        world.Run(1);
        world.Cluster.Delete(Kinds.Job, "j", "Background");
        world.Run(40);
        Assert.Empty(world.Pods);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Late_and_repeated_events_and_lost_answers_make_no_second_pod(int seed)
    {
        using var world = new World(seed) { Script = _ => PodScript.RunsFor(TimeSpan.FromSeconds(5), exitCode: 1) };
        var chance = new Random(seed);
        world.ControllerRequests.OnWatchEvent = (_, _) => chance.Next(4) switch { 0 => new WatchFault.Delay(TimeSpan.FromSeconds(2)), 1 => new WatchFault.Duplicate(), _ => null };
        world.ControllerRequests.OnRequest = r => r.IsWrite ? chance.Next(6) switch { 0 => Fault.TimeoutAfterLanding(), 1 => Fault.Unavailable(), _ => null } : null;
        world.Stepper.AfterProgress = _ => Assert.True(world.LivePods.Count <= 1);
        world.Cluster.Create(A.Job("j").With("spec.podReplacementPolicy", "\"Failed\"").With("spec.backoffLimit", "3"));
        world.Run(600);
        Assert.Equal(("Failed", 4), (world.Job("j").Status.Finished?.Type, world.Job("j").Status.Failed));
        Assert.Equal(4, world.Pods.Count);
    }

    [Fact]
    public void At_rest_nothing_is_written()
    {
        using var world = new World();
        world.Cluster.Create(A.Job("j"));
        world.Run(30);
        var writes = world.ControllerRequests.Writes;
        world.Run(3600);
        Assert.Equal(writes, world.ControllerRequests.Writes);
    }
}
