using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects.Tests;

/// <summary>kube-batch's MPI in both shapes, and every fault at once.</summary>
public sealed class KubeBatchParserTests
{
    /// <summary>The design document's example: a whole Job and a whole PodGroup.</summary>
    internal const string WholeJob =
        """
        apiVersion: scheduling.incubator.k8s.io/v1alpha1
        kind: MPI
        metadata: {name: test-mpi, namespace: hpc}
        spec:
          job:
            apiVersion: batch/v1
            kind: Job
            spec:
              completions: 6
              parallelism: 6
              template:
                spec:
                  containers:
                  - image: continuse/mpich:v3
                    imagePullPolicy: IfNotPresent
                    name: mpi
                    command: ["mpirun", "-n", "6", "hostname"]
                    resources: {requests: {cpu: "200m"}}
          podGroup:
            spec:
              minMember: 6
        """;

    /// <summary>The last commit's example: a bare JobSpec.</summary>
    internal const string BareSpec =
        """
        apiVersion: scheduling.incubator.k8s.io/v1alpha1
        kind: MPI
        metadata: {name: ring-b, namespace: hpc}
        spec:
          job:
            parallelism: 3
            completions: 3
            template:
              spec:
                containers:
                - {name: mpi, image: "example/mpich:1", command: [mpirun, -n, "3", ./ring]}
        """;

    [Theory]
    [InlineData(WholeJob, 6, 6)]
    [InlineData(BareSpec, 3, null)]
    public void Both_shapes_mean_one_gang_of_like_pods_whose_first_executes(string yaml, int pods, int? members)
    {
        var run = Run(yaml);

        Assert.Equal((pods - 1, 1, WorkerForm.JobIndexes), (run.Workers.Count, run.Workers.Slots, run.Workers.Form));
        Assert.Equal((true, LauncherCreation.AtStartup, "Never"), (run.Launcher.RunsRanks, run.Launcher.Creation, run.Launcher.RestartPolicy));
        Assert.Equal((MpiImplementation.Mpich, Transport.Agent, "kube-batch", true), (run.Mpi, run.Transport.Kind, run.GangScheduler, run.Gated));
        Assert.Equal((members, CleanPodPolicy.None), (run.Gang?.MinAvailable, run.Cleanup));
        Assert.Equal("mpirun", run.Launcher.Template.Items("spec", "containers").Single().Words("command")[0]);
    }

    [Theory]
    // parallelism, completions -> pods
    [InlineData(null, null, 1)]
    [InlineData(4, null, 4)]
    [InlineData(null, 5, 5)]
    [InlineData(2, 2, 2)]
    public void A_missing_parallelism_is_completions_and_without_both_there_is_one_pod(int? parallelism, int? completions, int pods) =>
        Assert.Equal(pods - 1, Run(With(BareSpec, job => (job["parallelism"], job["completions"]) = (parallelism, completions))).Workers.Count);

    [Fact]
    public void More_completions_than_pods_at_once_are_refused()
    {
        var error = Assert.Single(Faults(With(BareSpec, static job => job["completions"] = 9)));
        Assert.Equal("spec.job.completions: Invalid value: 9: must be equal to parallelism, which is 3: all pods of an MPI program run at once, and once", error.ToString());
    }

    [Fact]
    public void A_gang_larger_than_its_pods_is_refused()
    {
        var error = Assert.Single(Faults(With(WholeJob, static (_, spec) => spec["podGroup"]!["spec"]!["minMember"] = 7)));
        Assert.Equal("spec.podGroup.spec.minMember: Invalid value: 7: must not be more than the job's 6 pods: they would wait for ever", error.ToString());
    }

    [Fact]
    public void A_job_that_leaves_the_command_to_its_image_is_refused_with_the_reason()
    {
        var error = Assert.Single(Faults(With(BareSpec, static job => Container(job).Remove("command"))));
        Assert.Equal("spec.job.template.spec.containers[0].command", error.Path);
        Assert.Contains("entrypoint", error.Detail, StringComparison.Ordinal);

        // The old wrapper ran arguments as the command too.
        Assert.Equal("./ring", Run(With(BareSpec, static job =>
        {
            Container(job).Remove("command");
            Container(job)["args"] = new JsonArray("./ring");
        })).Launcher.Template.Items("spec", "containers").Single().Words("args").Single());
    }

    [Fact]
    public void A_name_is_refused_that_no_pod_or_service_could_be_called_by()
    {
        Assert.Equal(57, Run(BareSpec.Replace("ring-b", new string('r', 57), StringComparison.Ordinal)).Meta.Name.Length);
        Assert.Equal(["metadata.name"], Faults(BareSpec.Replace("ring-b", new string('r', 58), StringComparison.Ordinal)).Select(static e => e.Path));
        Assert.Contains("at most 57 characters", Faults(BareSpec.Replace("ring-b", new string('r', 64), StringComparison.Ordinal)).Single().Fix, StringComparison.Ordinal);
        Assert.Equal(["metadata.name"], Faults(BareSpec.Replace("ring-b", "3d.ring", StringComparison.Ordinal)).Select(static e => e.Path));
    }

    [Theory]
    [InlineData("spec: {}", "spec.job", "needs either a Job with a spec or a bare JobSpec")]
    [InlineData("spec: {job: {parallelism: 2}}", "spec.job", "needs either a Job with a spec or a bare JobSpec")]
    [InlineData("spec: {job: {kind: Job}}", "spec.job.spec.template.spec.containers", "must define at least one container")]
    [InlineData("spec: {job: {spec: {parallelism: 2}}}", "spec.job.spec.template.spec.containers", "must define at least one container")]
    [InlineData("spec: {job: [a]}", "spec.job", "must be an object")]
    public void What_is_neither_a_job_nor_its_spec_is_told_what_to_write(string spec, string path, string detail)
    {
        var error = Assert.Single(Faults($"{{apiVersion: scheduling.incubator.k8s.io/v1alpha1, kind: MPI, metadata: {{name: x}}, {spec}}}"));
        Assert.Equal((path, detail), (error.Path, error.Detail));
        Assert.NotNull(error.Fix);
    }

    [Fact]
    public void A_whole_job_and_a_bare_spec_at_once_are_refused_by_both_paths()
    {
        var errors = Faults(With(WholeJob, static job => job["template"] = new JsonObject()));
        Assert.Equal(["spec.job.spec", "spec.job.template"], errors.Select(static e => e.Path));
    }

    [Fact]
    public void A_bare_spec_may_have_a_pod_group_and_a_whole_job_may_have_none()
    {
        var run = Run(With(BareSpec, static (_, spec) => spec["podGroup"] = JsonNode.Parse("""{"spec":{"minMember":2,"queue":"night","priorityClassName":"high"}}""")));
        Assert.Equal(new GangPolicy(2, "night", default, "high", null), run.Gang);

        Assert.Null(Run(With(WholeJob, static (_, spec) => spec.Remove("podGroup"))).Gang!.MinAvailable);
    }

    [Fact]
    public void What_the_jobspec_asks_for_is_kept()
    {
        var run = Run(With(BareSpec, static job =>
        {
            (job["backoffLimit"], job["activeDeadlineSeconds"], job["ttlSecondsAfterFinished"], job["suspend"]) = (2, 3600, 60, true);
        }));

        Assert.Equal(new RetryPolicy(2, 3600), run.Retry);
        Assert.Equal((60, true), (run.TtlSecondsAfterFinished, run.Suspended));
    }

    [Fact]
    public void Labels_of_the_job_and_of_its_pods_are_both_kept()
    {
        var run = Run(With(WholeJob, static job =>
        {
            job["metadata"] = JsonNode.Parse("""{"name":"ignored","labels":{"team":"a","tier":"job"}}""");
            job["spec"]!["template"]!["metadata"] = JsonNode.Parse("""{"labels":{"tier":"pod","app":"x"}}""");
        }));

        Assert.Equal("team=a,tier=job", string.Join(',', run.Launcher.JobLabels.Select(static l => $"{l.Key}={l.Value}")));
        Assert.Equal("app=x,team=a,tier=pod", string.Join(',', run.Launcher.Template.TextMap("metadata", "labels").OrderBy(static l => l.Key, StringComparer.Ordinal).Select(static l => $"{l.Key}={l.Value}")));
    }

    [Fact]
    public void Every_fault_is_found_at_once_with_its_path()
    {
        var errors = Faults(
            """
            apiVersion: scheduling.incubator.k8s.io/v1alpha1
            kind: MPI
            metadata:
              name: x
              annotations: {kubempi.dev/transport: ssh, kubempi.dev/gate: maybe, kubempi.dev/on-worker-loss: replace, kubempi.dev/ttl-seconds-after-finished: soon}
            spec:
              podGroup: {spec: {minMember: 0, queue: 7}}
              job:
                metadata: {labels: {a: 1}}
                spec:
                  parallelism: two
                  completions: -1
                  backoffLimit: -1
                  activeDeadlineSeconds: 1.5
                  successPolicy: {rules: []}
                  template:
                    metadata: {labels: []}
                    spec: {containers: [{command: [run, 6]}]}
            """);

        Assert.Equal(
            [
                "metadata.annotations[kubempi.dev/gate]",
                "metadata.annotations[kubempi.dev/on-worker-loss]",
                "metadata.annotations[kubempi.dev/transport]",
                "metadata.annotations[kubempi.dev/ttl-seconds-after-finished]",
                "spec.job.metadata.labels[a]",
                "spec.job.spec.activeDeadlineSeconds",
                "spec.job.spec.backoffLimit",
                "spec.job.spec.completions",
                "spec.job.spec.parallelism",
                "spec.job.spec.successPolicy",
                "spec.job.spec.template.metadata.labels",
                "spec.job.spec.template.spec.containers[0].command[1]",
                "spec.job.spec.template.spec.containers[0].name",
                "spec.podGroup.spec.minMember",
                "spec.podGroup.spec.queue",
            ],
            errors.Select(static e => e.Path).Order(StringComparer.Ordinal));
        Assert.All(errors, static e => Assert.NotNull(e.Fix));
    }

    [Theory]
    [InlineData("job: {kind: Job, spec: {paralelism: 2, template: {spec: {containers: [{name: a, image: b, command: [c]}]}}}}", "spec.job.spec.paralelism")]
    [InlineData("job: {paralelism: 2, template: {spec: {containers: [{name: a, image: b, command: [c]}]}}}", "spec.job.paralelism")]
    [InlineData("job: {kind: Job, parallelism: 2, spec: {template: {spec: {containers: [{name: a, image: b, command: [c]}]}}}}", "spec.job.parallelism")]
    [InlineData("job: {template: {spec: {containers: [{name: a, image: b, command: [c]}]}}}, podGroup: {spec: {minmember: 1}}", "spec.podGroup.spec.minmember")]
    public void A_misspelt_field_of_either_shape_is_found_by_validation(string spec, string path)
    {
        var report = ManifestValidator.Check($"apiVersion: scheduling.incubator.k8s.io/v1alpha1\nkind: MPI\nmetadata: {{name: x}}\nspec: {{{spec}}}\n");

        var finding = Assert.Single(report.Findings);
        Assert.Equal((FindingSeverity.Error, path, "unknown field"), (finding.Severity, finding.Path, finding.Message));
        Assert.NotNull(finding.Fix);
    }

    [Fact]
    public void The_examples_of_the_documents_are_valid()
    {
        foreach (var yaml in (string[])[WholeJob, BareSpec]) Assert.Empty(ManifestValidator.Check(yaml).Findings);
    }

    private static JsonObject Container(JsonObject jobSpec) => (JsonObject)jobSpec["template"]!["spec"]!["containers"]![0]!;

    private static string With(string yaml, Action<JsonObject> change) => With(yaml, (job, _) => change(job));

    /// <param name="change">Gets spec.job and spec.</param>
    private static string With(string yaml, Action<JsonObject, JsonObject> change)
    {
        var tree = Manifests.Tree(yaml);
        var spec = (JsonObject)tree["spec"]!;
        change((JsonObject)spec["job"]!, spec);
        return tree.ToJsonString();
    }

    [Fact]
    public void Another_container_than_the_first_runs_the_command_where_an_annotation_says_so()
    {
        var several = BareSpec.Replace("metadata: {name: ring-b,", "metadata: {name: ring-b, annotations: {kubempi.dev/container: mpi},", StringComparison.Ordinal)
            .Replace("        - {name: mpi,", "        - {name: log, image: example/log}\n        - {name: mpi,", StringComparison.Ordinal);
        var run = Run(several);
        Assert.Equal(["mpi", "log"], run.Launcher.Template.Items("spec", "containers").Select(static c => c.Text("name")));

        Assert.StartsWith(
            "metadata.annotations[kubempi.dev/container]: Unsupported value: \"mp\": supported values: \"log\", \"mpi\"",
            Assert.Single(Faults(several.Replace("container: mpi}", "container: mp}", StringComparison.Ordinal))).ToString(), StringComparison.Ordinal);
        Assert.StartsWith(
            "spec.job.template.spec.containers[0].command: Required value",
            Assert.Single(Faults(several.Replace("container: mpi}", "container: log}", StringComparison.Ordinal))).ToString(), StringComparison.Ordinal);
    }

    private static MpiRun Run(string yaml) => Parse(Manifests.Tree(yaml)) is ParseResult.Run run ? run.Value : throw new InvalidOperationException(FieldError.Aggregate([.. Faults(yaml)]));

    private static IReadOnlyList<FieldError> Faults(string yaml) => Parse(Manifests.Tree(yaml)) is ParseResult.Rejected rejected ? rejected.Errors : [];

    private static ParseResult Parse(JsonObject manifest) => new KubeBatchDialect().Parse(JsonElement.Parse(manifest.ToUtf8()));
}
