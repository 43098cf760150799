using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Cli.Tests;

/// <summary>What is said of a job by what stands in its objects.</summary>
public sealed class JobDoctorTests
{
    private static readonly DateTimeOffset Now = new VirtualClock().GetUtcNow();

    [Theory]
    [InlineData("Succeeded", "JobSucceeded", "done", "it succeeded", Verdict.Fine)]
    [InlineData("Failed", "BackoffLimitExceeded", "rank 3 aborted", "it failed: BackoffLimitExceeded: rank 3 aborted", Verdict.Fault)]
    [InlineData("Suspended", "MPIJobSuspended", "", "it is suspended: nothing runs until", Verdict.Fine)]
    [InlineData("Running", "MPIJobRunning", "", "it runs, with 0 pods", Verdict.Fine)]
    public void The_first_line_says_how_the_job_stands(string condition, string reason, string message, string said, Verdict verdict)
    {
        var first = Examine(Job(status: $$"""{"conditions": [{"type": "Created", "status": "True"}, {"type": "{{condition}}", "status": "True", "reason": "{{reason}}", "message": "{{message}}"}], {{(condition is "Succeeded" or "Failed" ? "\"completionTime\": \"2026-01-01T00:00:00Z\", " : "")}} "startTime": "2026-01-01T00:00:00Z"}"""))[0];
        Assert.StartsWith(said, first.What, StringComparison.Ordinal);
        Assert.Equal(verdict, first.Verdict);
    }

    [Fact]
    public void A_job_that_nobody_takes_up_is_a_fault_after_a_while()
    {
        Assert.Equal(Verdict.Fine, Examine(Job())[0].Verdict);
        var late = Assert.Single(Examine(Job(age: TimeSpan.FromMinutes(5))));
        Assert.Equal((Verdict.Fault, "no operator has taken it up in 5 min"), (late.Verdict, late.What));
        Assert.Equal(Finding.Fine("kueue.x-k8s.io/multikueue manages it (managedBy): the operator here leaves it alone"), Assert.Single(Examine(Job(age: TimeSpan.FromMinutes(5), policy: """{"managedBy": "kueue.x-k8s.io/multikueue"}"""))));
    }

    [Fact]
    public void What_the_operator_would_refuse_is_told_though_none_runs()
    {
        Assert.Contains(Examine(Job(policy: """{"cleanPodPolicy": "Sometimes"}""")), static f => f.Verdict == Verdict.Fault && f.What.StartsWith("spec.runPolicy.cleanPodPolicy: Unsupported value: \"Sometimes\"", StringComparison.Ordinal));
    }

    [Fact]
    public void Conditions_that_say_what_is_in_the_way_are_passed_on()
    {
        var findings = Examine(Job(status: """{"conditions": [{"type": "Blocked", "status": "True", "reason": "NameTaken", "message": "Service pi belongs to somebody else"}]}"""));
        Assert.Equal(["the operator has taken it up and says what is in the way", "NameTaken: Service pi belongs to somebody else"], findings.Select(static f => f.What));
    }

    [Theory]
    [InlineData("""{"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: 3 Insufficient cpu."}]}""", "has no node: 0/3 nodes are available: 3 Insufficient cpu.", "lower what it requests")]
    [InlineData("""{"phase": "Pending", "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"nowhere\""}}}]}""", "container main waits: ImagePullBackOff: Back-off pulling image \"nowhere\"", "imagePullSecrets")]
    [InlineData("""{"phase": "Running", "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}, "lastState": {"terminated": {"exitCode": 255, "reason": "Error"}}}]}""", "container main waits: CrashLoopBackOff: back-off 10s; was ended by signal 127", null)]
    [InlineData("""{"phase": "Failed", "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}""", "container main was ended by signal 9 (OOMKilled)", "memory limit")]
    [InlineData("""{"phase": "Failed", "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]}""", "container main ended with exit code 3", null)]
    [InlineData("""{"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}""", "Evicted: The node was low on resource: memory.", null)]
    [InlineData("""{"phase": "Running", "initContainerStatuses": [{"name": "kubempi-gate", "state": {"running": {}}}]}""", "proves that every worker can be reached, which costs no retry", null)]
    public void A_pod_says_why_it_does_not_run_or_how_it_ended(string status, string what, string? remedy)
    {
        var finding = Examine(Job(), Pod("pi-worker-0", status)).Single(static f => f.Verdict == Verdict.Fault);
        Assert.Equal($"pi-worker-0: {what}", finding.What);
        if (remedy is null) Assert.Null(finding.Remedy);
        else Assert.Contains(remedy, finding.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Pods_that_are_well_say_nothing_and_what_many_say_is_told_once()
    {
        const string Well = """{"phase": "Running", "conditions": [{"type": "PodScheduled", "status": "True"}], "containerStatuses": [{"name": "main", "state": {"running": {}}}]}""";
        const string Unplaced = """{"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "no room"}]}""";
        var findings = Examine(Job(), [Pod("pi-launcher", Well), .. Enumerable.Range(0, 5).Select(i => Pod($"pi-worker-{i}", Unplaced))]);
        Assert.Equal("pi-worker-0, pi-worker-1 and 3 more pods: has no node: no room", Assert.Single(findings, static f => f.Verdict == Verdict.Fault).What);
    }

    [Fact]
    public void The_newest_warnings_follow_unless_they_were_told_already()
    {
        var events = Enumerable.Range(1, 9).Select(i => Warning("FailedCreate", $"pods \"pi-{i}\" is forbidden: exceeded quota: team")).Append(Warning("Seen", "no room")).ToImmutableArray();
        var scene = new JobScene(Job(), [], [Pod("pi-worker-0", """{"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "no room"}]}""")], events, ImmutableSortedDictionary<string, string>.Empty);
        var told = Doctor.Examine(scene, Now).Where(static f => f.What.StartsWith("Job pi-launcher: ", StringComparison.Ordinal)).ToList();
        Assert.Equal(Enumerable.Range(5, 5).Reverse().Select(static i => $"Job pi-launcher: FailedCreate: pods \"pi-{i}\" is forbidden: exceeded quota: team"), told.Select(static f => f.What));
        Assert.All(told, static f => Assert.Contains("ResourceQuota", f.Remedy, StringComparison.Ordinal));
    }

    [Fact]
    public void A_log_is_quoted_with_the_remedy_for_what_it_says()
    {
        var logs = ImmutableSortedDictionary<string, string>.Empty.Add("pi-launcher/main", "pi-worker-0: ssh says\nmpiuser@pi-worker-0: Permission denied (publickey).");
        var finding = Doctor.Examine(new JobScene(Job(), [], [], [], logs), Now)[^1];
        Assert.Equal("✗ pi-launcher/main said last:\n    pi-worker-0: ssh says\n    mpiuser@pi-worker-0: Permission denied (publickey).\n  → " + finding.Remedy + "\n", finding.ToText(colour: false));
        Assert.Contains("StrictModes no", finding.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_known_here_stands_in_the_documentation_too()
    {
        var page = string.Join('\n', Repository.Page("docs/troubleshooting.md"));
        Assert.All(KnownErrors.All, known => Assert.Contains(known.Text, page, StringComparison.Ordinal));
    }

    private static JobDoctor Doctor => new(new KubeflowV2Beta1Dialect());

    private static ImmutableArray<Finding> Examine(KubeObject job, params ImmutableArray<KubeObject> pods) => Doctor.Examine(new JobScene(job, [], pods, [], ImmutableSortedDictionary<string, string>.Empty), Now);

    private static KubeObject Job(string status = "{}", TimeSpan age = default, string policy = "{}") => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = "kubeflow.org/v2beta1",
        ["kind"] = "MPIJob",
        ["metadata"] = new JsonObject { ["name"] = "pi", ["namespace"] = "default", ["uid"] = "1", ["creationTimestamp"] = KubeTime.Format(Now - age) },
        ["spec"] = new JsonObject
        {
            ["runPolicy"] = JsonNode.Parse(policy),
            ["mpiReplicaSpecs"] = JsonNode.Parse("""{"Launcher": {"template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}}, "Worker": {"replicas": 2, "template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}}}"""),
        },
        ["status"] = JsonNode.Parse(status),
    });

    private static KubeObject Pod(string name, string status) => KubeObject.Parse($$"""{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "{{name}}", "namespace": "default"}, "status": {{status}} }""");

    private static KubeObject Warning(string reason, string message) => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = "v1", ["kind"] = "Event", ["type"] = "Warning", ["reason"] = reason, ["message"] = message,
        ["involvedObject"] = new JsonObject { ["kind"] = "Job", ["name"] = "pi-launcher" },
    });
}
