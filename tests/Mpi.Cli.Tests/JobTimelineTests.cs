using Kube.Types;
using Mpi.Cli;

namespace Mpi.Cli.Tests;

public sealed class JobTimelineTests
{
    private static readonly KubeObject LauncherJob = KubeObject.Parse("""{"kind":"Job","metadata":{"name":"pi-launcher","uid":"job","ownerReferences":[{"uid":"mpi","controller":true}]}}""");

    private static KubeObject MpiJob(string conditions = "") => KubeObject.Parse(
        $$$$"""{"kind":"MPIJob","metadata":{"name":"pi","uid":"mpi"},"spec":{"mpiReplicaSpecs":{"Worker":{"replicas":2}}},"status":{"conditions":[{{{{conditions}}}}]}}""");

    private static KubeObject Worker(int index, string phase) => KubeObject.Parse(
        $$$"""{"kind":"Pod","metadata":{"name":"pi-worker-{{{index}}}","ownerReferences":[{"uid":"mpi","controller":true}]},"status":{"phase":"{{{phase}}}"}}""");

    private static KubeObject LauncherPod(string name, string gate, string main) => KubeObject.Parse(
        $$$"""
        {"kind":"Pod","metadata":{"name":"{{{name}}}","creationTimestamp":"2026-01-01T00:00:00Z","ownerReferences":[{"uid":"job","controller":true}]},
         "spec":{"containers":[{"name":"main"}]},
         "status":{"initContainerStatuses":[{"name":"kubempi-gate","state":{{{gate}}}}],"containerStatuses":[{"name":"main","state":{{{main}}}}]}}
        """);

    private static JobTimeline Look(JobTimeline before, double seconds, KubeObject job, params KubeObject[] pods) =>
        before.Look(TimeSpan.FromSeconds(seconds), job, pods, [LauncherJob]);

    [Fact]
    public void A_stage_keeps_the_time_at_which_it_was_first_seen()
    {
        var timeline = Look(new JobTimeline(), 1, MpiJob(), Worker(0, "Running"), Worker(1, "Running"));
        timeline = Look(timeline, 5, MpiJob(), Worker(0, "Running"), Worker(1, "Running"));
        Assert.Equal(TimeSpan.FromSeconds(1), timeline.Reached[RunStage.WorkersRunning]);
        Assert.False(timeline.HasReached(RunStage.WorkersReachable));
    }

    [Fact]
    public void Workers_count_as_running_only_when_all_of_them_run()
    {
        var timeline = Look(new JobTimeline(), 1, MpiJob(), Worker(0, "Running"), Worker(1, "Pending"));
        Assert.True(timeline.HasReached(RunStage.WorkersCreated));
        Assert.False(timeline.HasReached(RunStage.WorkersRunning));
        Assert.Equal(1, timeline.WorkersRunning);
    }

    [Fact]
    public void Workers_are_proven_when_the_launchers_gate_has_passed()
    {
        var pod = LauncherPod("pi-launcher-x", """{"terminated":{"exitCode":0}}""", """{"waiting":{"reason":"PodInitializing"}}""");
        var timeline = Look(new JobTimeline(), 1, MpiJob(), pod);
        Assert.True(timeline.HasReached(RunStage.WorkersReachable));
        Assert.False(timeline.HasReached(RunStage.LauncherRunning));
        Assert.Equal("", timeline.Waiting);
    }

    [Fact]
    public void The_outcome_names_the_last_launchers_exit_code()
    {
        var failed = """{"type":"Failed","status":"True","reason":"BackoffLimitExceeded","message":"no"}""";
        var timeline = Look(new JobTimeline(), 1, MpiJob(failed),
            LauncherPod("pi-launcher-a", """{"terminated":{"exitCode":0}}""", """{"terminated":{"exitCode":1}}"""),
            LauncherPod("pi-launcher-b", """{"terminated":{"exitCode":0}}""", """{"terminated":{"exitCode":7}}"""));
        Assert.Equal(new RunOutcome(false, "BackoffLimitExceeded", "no", 7), timeline.Outcome);
        Assert.Equal(["pi-launcher-a", "pi-launcher-b"], timeline.LauncherPods);
    }

    [Fact]
    public void A_pod_that_does_not_get_on_is_named_with_its_reason()
    {
        var stuck = KubeObject.Parse("""
            {"kind":"Pod","metadata":{"name":"pi-worker-1","ownerReferences":[{"uid":"mpi","controller":true}]},
             "status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","message":"0/1 nodes are available: 1 Insufficient cpu."}]}}
            """);
        Assert.Equal("pi-worker-1: 0/1 nodes are available: 1 Insufficient cpu.", Look(new JobTimeline(), 1, MpiJob(), stuck).Waiting);
    }

    [Fact]
    public void Pods_of_others_are_not_looked_at()
    {
        var foreign = KubeObject.Parse("""{"kind":"Pod","metadata":{"name":"pi-worker-0"},"status":{"phase":"Running"}}""");
        Assert.Equal(0, Look(new JobTimeline(), 1, MpiJob(), foreign).WorkersCreated);
    }

    [Fact]
    public void Where_all_pods_are_of_one_Job_its_first_index_is_the_launcher_and_the_others_are_workers()
    {
        var job = KubeObject.Parse("""{"kind":"MPI","metadata":{"name":"ring","uid":"mpi"},"spec":{"job":{"parallelism":3}},"status":{"workers":{"replicas":2}}}""");

        var timeline = Look(new JobTimeline(), 1, job, Index(0), Index(1), Index(2));

        Assert.Equal(["ring-0-x"], timeline.LauncherPods);
        Assert.Equal((2, 2, 2), (timeline.WorkersWanted, timeline.WorkersCreated, timeline.WorkersRunning));

        static KubeObject Index(int index) => KubeObject.Parse(
            $$$"""
            {"kind":"Pod","metadata":{"name":"ring-{{{index}}}-x","annotations":{"batch.kubernetes.io/job-completion-index":"{{{index}}}"},"ownerReferences":[{"uid":"job","controller":true}]},
             "status":{"phase":"Running"}}
            """);
    }
}
