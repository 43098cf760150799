using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class JobPlannerTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 9, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_new_job_gets_its_start_time_and_its_pod()
    {
        var plan = Plan(A.Job("j").Uid("u"));
        Assert.Equal(Now, plan.Status!.StartTime);
        var pod = KubeObject.From(Assert.Single(plan.Create).Tree);
        Assert.Matches("^j-[b-z2-9]{5}$", pod.Meta.Name);
        Assert.Equal("j-", pod.Meta.GenerateName);
        Assert.Equal(["batch.kubernetes.io/job-tracking"], pod.Meta.Finalizers);
        Assert.Equal(("Job", "u", true, true), (pod.Meta.Controller!.Kind, pod.Meta.Controller.Uid, pod.Meta.Controller.Controller, pod.Meta.Controller.BlockOwnerDeletion));
        Assert.Equal(("u", "j", "u", "j"), (pod.Meta.Labels["batch.kubernetes.io/controller-uid"], pod.Meta.Labels["batch.kubernetes.io/job-name"], pod.Meta.Labels["controller-uid"], pod.Meta.Labels["job-name"]));
    }

    [Fact]
    public void The_same_observation_names_the_same_pod()
    {
        Assert.Equal(Plan(A.Job("j").Uid("u")).Create[0].Name, Plan(A.Job("j").Uid("u")).Create[0].Name);
        Assert.NotEqual(Plan(A.Job("j").Uid("u")).Create[0].Name, Plan(A.Job("j").Uid("v")).Create[0].Name);
    }

    [Fact]
    public void A_stale_view_of_the_pods_names_a_pod_that_exists()
    {
        // The second pod is running, the first is counted and gone; a view without either must not find a third name.
        var job = A.Job("j").Uid("u").With("status", """{"failed":1,"startTime":"2026-03-01T08:00:00Z","uncountedTerminatedPods":{}}""");
        var second = Plan(job).Create[0].Name;
        Assert.NotEqual(Plan(A.Job("j").Uid("u")).Create[0].Name, second);
        Assert.Equal(second, Plan(job).Create[0].Name);
    }

    [Fact]
    public void An_end_is_announced_before_the_finalizer_goes_and_counted_after()
    {
        var job = Running("j");
        var pod = Pod("j-1").Phase("Succeeded");
        var first = Plan(job, pod);
        Assert.Equal(0, first.Status!.Succeeded);
        Assert.Equal(["j-1"], first.Status.UncountedSucceeded);
        Assert.Equal(["j-1"], first.Release.Select(p => p.Meta.Uid));
        Assert.Equal("SuccessCriteriaMet", Assert.Single(first.Status.Conditions).Type);

        job.With("status", first.Status.ToTree());
        var again = Plan(job, pod);
        Assert.Null(again.Status);
        Assert.Equal(["j-1"], again.Release.Select(p => p.Meta.Uid));

        var second = Plan(job, Pod("j-1", tracked: false).Phase("Succeeded"));
        Assert.Equal((1, 0), (second.Status!.Succeeded, second.Status.UncountedSucceeded.Count));
        Assert.Equal(["SuccessCriteriaMet", "Complete"], second.Status.Conditions.Select(c => c.Type));
        Assert.Equal(Now, second.Status.CompletionTime);
        Assert.Equal([("Completed", "Job completed")], second.Events.Select(e => (e.Reason, e.Message)));
    }

    [Fact]
    public void A_counted_pod_is_not_counted_again()
    {
        var job = Running("j").With("spec.completions", "2").With("status.succeeded", "1");
        var plan = Plan(job, Pod("j-1", tracked: false).Phase("Succeeded"));
        Assert.Equal(1, plan.Status!.Succeeded);
        Assert.Single(plan.Create);
    }

    [Fact]
    public void Failed_pods_are_replaced_after_ten_then_twenty_then_forty_seconds()
    {
        Assert.Equal(Now + TimeSpan.FromSeconds(10), Plan(Running("j"), FailedPod("j-1", Now)).Again);
        Assert.Equal(Now + TimeSpan.FromSeconds(20), Plan(Running("j"), FailedPod("j-1", Now - TimeSpan.FromSeconds(30)), FailedPod("j-2", Now)).Again);
        Assert.Empty(Plan(Running("j"), FailedPod("j-1", Now - TimeSpan.FromSeconds(9))).Create);
        Assert.Single(Plan(Running("j"), FailedPod("j-1", Now - TimeSpan.FromSeconds(10))).Create);
        Assert.Equal(Now + TimeSpan.FromMinutes(6), Plan(Running("j").With("spec.backoffLimit", "9"), [.. Enumerable.Range(0, 7).Select(i => FailedPod($"j-{i}", Now))]).Again);
    }

    [Fact]
    public void More_failures_than_the_limit_end_the_job_once_everything_has_stopped()
    {
        var job = Running("j").With("spec.backoffLimit", "1").With("spec.parallelism", "2").With("spec.completions", "2");
        var plan = Plan(job, FailedPod("j-1", Now), FailedPod("j-2", Now), Pod("j-3").Phase("Running"));
        var target = Assert.Single(plan.Status!.Conditions);
        Assert.Equal(("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"), (target.Type, target.Reason, target.Message));
        Assert.Equal(["j-3"], plan.Delete.Select(p => p.Meta.Uid));
        Assert.Empty(plan.Create);

        job.With("status", plan.Status.ToTree());
        var last = Plan(job, Pod("j-1", tracked: false).Phase("Failed"), Pod("j-2", tracked: false).Phase("Failed"));
        Assert.Equal(("Failed", "BackoffLimitExceeded"), (last.Status!.Finished!.Type, last.Status.Finished.Reason));
        Assert.Equal(2, last.Status.Failed);
        Assert.Null(last.Status.CompletionTime);
        Assert.Equal("Warning", Assert.Single(last.Events).Type);
    }

    [Theory]
    [InlineData(0, 1, true)]
    [InlineData(3, 2, false)]
    [InlineData(3, 3, true)]
    public void Restarts_in_place_spend_the_limit(int limit, int restarts, bool fails)
    {
        var job = Running("j").With("spec.backoffLimit", JsonValue.Create(limit)).RestartPolicy("OnFailure");
        var plan = Plan(job, Pod("j-1").Phase("Running").With("status.containerStatuses", $$"""[{"name":"main","restartCount":{{restarts}}}]"""));
        Assert.Equal(fails, plan.Status?.Decided?.Reason == "BackoffLimitExceeded");
    }

    [Fact]
    public void A_deadline_ends_the_job_and_its_pods()
    {
        var job = Running("j", started: Now - TimeSpan.FromSeconds(60)).With("spec.activeDeadlineSeconds", "60");
        var plan = Plan(job, Pod("j-1").Phase("Running"));
        Assert.Equal(("DeadlineExceeded", "Job was active longer than specified deadline"), (plan.Status!.Decided!.Reason, plan.Status.Decided.Message));
        Assert.Single(plan.Delete);

        var early = Plan(Running("j", started: Now - TimeSpan.FromSeconds(50)).With("spec.activeDeadlineSeconds", "60"), Pod("j-1").Phase("Running"));
        Assert.Equal(Now + TimeSpan.FromSeconds(10), early.Again);
    }

    [Fact]
    public void Suspension_discards_pods_uncounted_and_resumption_starts_the_clock_anew()
    {
        var job = Running("j", started: Now - TimeSpan.FromHours(1)).With("spec.suspend", "true");
        var plan = Plan(job, Pod("j-1").Phase("Running"));
        Assert.Equal(["j-1"], plan.Discard.Select(p => p.Meta.Uid));
        Assert.Equal((0, 1, true), (plan.Status!.Active, plan.Status.Terminating, plan.Status.Condition("Suspended")!.IsTrue));

        job.With("status", plan.Status.ToTree()).With("spec.suspend", "false");
        var resumed = Plan(job);
        Assert.Equal((Now, false), (resumed.Status!.StartTime, resumed.Status.Condition("Suspended")!.IsTrue));
        Assert.Equal((0, 1), (resumed.Status.Failed, resumed.Create.Length));
        Assert.Equal(["Resumed"], resumed.Events.Select(e => e.Reason));
    }

    [Fact]
    public void A_job_created_suspended_does_not_start()
    {
        var plan = Plan(A.Job("j").Uid("u").With("spec.suspend", "true"));
        Assert.Null(plan.Status!.StartTime);
        Assert.Empty(plan.Create);
    }

    [Theory]
    [InlineData("Failed", 0)]
    [InlineData("TerminatingOrFailed", 1)]
    public void A_terminating_pod_is_replaced_at_once_or_when_it_has_ended(string policy, int created)
    {
        var job = Running("j").With("spec.podReplacementPolicy", JsonValue.Create(policy));
        var plan = Plan(job, Pod("j-1").Phase("Running").With("metadata.deletionTimestamp", "\"2026-03-01T08:59:50Z\""));
        Assert.Equal(created, plan.Create.Length);
        Assert.Equal(created, plan.Status!.UncountedFailed.Count);
        Assert.Equal(1, plan.Status.Terminating);
    }

    [Fact]
    public void Each_index_has_one_pod_with_its_name_label_and_variable()
    {
        var job = Running("j").With("spec.completions", "3").With("spec.parallelism", "3").With("spec.completionMode", "\"Indexed\"").With("status.completedIndexes", "\"0\"").With("status.succeeded", "1");
        var plan = Plan(job, IndexedPod("j-1-a", 1).Phase("Running"));
        var pod = KubeObject.From(Assert.Single(plan.Create).Tree);
        Assert.StartsWith("j-2-", pod.Meta.Name, StringComparison.Ordinal);
        Assert.Equal(("2", "2", "j-2"), (pod.Meta.Labels[JobPods.IndexLabel], pod.Meta.Annotations[JobPods.IndexLabel], pod.Root.Text("spec", "hostname")));
        Assert.Equal("JOB_COMPLETION_INDEX", pod.Root.Items("spec", "containers").Single().Items("env").Single().Text("name"));
    }

    [Fact]
    public void A_second_pod_of_an_index_is_discarded()
    {
        var job = Running("j").With("spec.completions", "2").With("spec.parallelism", "2").With("spec.completionMode", "\"Indexed\"");
        var plan = Plan(job, IndexedPod("j-0-a", 0).Phase("Running").OnNode("n").Ready(), IndexedPod("j-0-b", 0), IndexedPod("j-1-a", 1));
        Assert.Equal(["j-0-b"], plan.Discard.Select(p => p.Meta.Uid));
    }

    [Fact]
    public void Less_parallelism_discards_the_pods_that_have_come_least_far()
    {
        var job = Running("j").With("spec.completions", "3").With("spec.parallelism", "1");
        var plan = Plan(job, Pod("a"), Pod("b").OnNode("n").Phase("Running").Ready(), Pod("c").OnNode("n").Phase("Running"));
        Assert.Equal(["a", "c"], plan.Discard.Select(p => p.Meta.Uid).Order());
    }

    [Fact]
    public void A_finished_job_is_deleted_when_its_time_to_live_is_over_and_not_before()
    {
        var job = A.Job("j").Uid("u").With("spec.ttlSecondsAfterFinished", "30");
        job.With("status", """{"conditions":[{"type":"Complete","status":"True","lastTransitionTime":"2026-03-01T08:59:40Z"}],"uncountedTerminatedPods":{}}""");
        Assert.Equal((false, Now + TimeSpan.FromSeconds(10)), (Plan(job).DeleteJob, Plan(job).Again));
        Assert.True(Plan(job, Now + TimeSpan.FromSeconds(10)).DeleteJob);
    }

    [Fact]
    public void A_job_that_is_being_deleted_lets_its_pods_go_and_makes_none()
    {
        var plan = Plan(Running("j").With("metadata.deletionTimestamp", "\"2026-03-01T08:59:50Z\""), Pod("j-1").Phase("Running"));
        Assert.Equal(["j-1"], plan.Release.Select(p => p.Meta.Uid));
        Assert.Equal((0, 0), (plan.Create.Length, plan.Delete.Length));
    }

    [Fact]
    public void A_settled_job_plans_nothing()
    {
        var job = Running("j");
        var pod = Pod("j-1").Phase("Running").Ready();
        job.With("status", Plan(job, pod).Status!.ToTree());
        Assert.True(Plan(job, pod).IsEmpty);
    }

    private static ObjectBuilder Running(string name, DateTimeOffset? started = null) =>
        A.Job(name).Uid("u").With("status.startTime", JsonValue.Create(KubeTime.Format(started ?? Now - TimeSpan.FromMinutes(5)))).With("status.uncountedTerminatedPods", "{}");

    private static ObjectBuilder Pod(string name, bool tracked = true)
    {
        var pod = A.Pod(name).Uid(name).With("metadata.creationTimestamp", "\"2026-03-01T08:00:00Z\"");
        return tracked ? pod.Finalizer(JobPods.TrackingFinalizer) : pod;
    }

    private static ObjectBuilder IndexedPod(string name, int index) => Pod(name).Annotation(JobPods.IndexLabel, $"{index}");

    private static ObjectBuilder FailedPod(string name, DateTimeOffset at) => Pod(name).Phase("Failed")
        .With("status.containerStatuses", $$"""[{"name":"main","state":{"terminated":{"exitCode":1,"finishedAt":"{{KubeTime.Format(at)}}"} } }]""");

    private static JobPlan Plan(ObjectBuilder job, params ObjectBuilder[] pods) => Plan(job, Now, pods);

    private static JobPlan Plan(ObjectBuilder job, DateTimeOffset now, params ObjectBuilder[] pods)
    {
        ImmutableArray<PodView> views = [.. pods.Select(p => new PodView(p.Build()))];
        return JobPlanner.Plan(new ObservedJob(new JobView(job.Build()), views, name => views.Any(p => p.Meta.Name == name), null, now));
    }
}
