using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects.Tests;

/// <summary>MPIJobs of skatelescope.org/v1: how they read (spec/metacontroller-mpijob.md 2, 5), and their status (9).</summary>
public sealed class MetacontrollerTests
{
    internal const string Hello =
        """
        {
          "apiVersion": "skatelescope.org/v1", "kind": "MPIJob", "metadata": {"name": "hello", "namespace": "default"},
          "spec": {"replicas": 4, "slots": 2, "template": {"spec": {"containers": [
            {"name": "hello", "image": "example/openmpi:4", "command": ["mpiexec"], "args": ["--allow-run-as-root", "hostname"], "resources": {"limits": {"nvidia.com/gpu": 1}}},
            {"name": "side", "image": "example/side", "command": ["serve"]}
          ]}}}
        }
        """;

    private static readonly MetacontrollerDialect Dialect = new();

    [Fact]
    public void One_template_is_both_roles_and_only_the_workers_first_container_is_idled()
    {
        var run = Run();

        Assert.Equal((4, 2, WorkerForm.StatefulSet), (run.Workers.Count, run.Workers.Slots, run.Workers.Form));
        Assert.Equal(["mpiexec"], Container(run.Launcher.Template).Words("command"));
        Assert.False(Container(run.Workers.Template).Has("command"));
        Assert.False(Container(run.Workers.Template).Has("args"));
        Assert.Equal(["serve"], run.Workers.Template.Items("spec", "containers").Last().Words("command"));
        Assert.Equal("IfNotPresent", Container(run.Workers.Template).Text("imagePullPolicy"));
        Assert.Equal((Transport.Agent, CleanPodPolicy.None, 6), (run.Transport.Kind, run.Cleanup, run.Retry.BackoffLimit));
        Assert.Null(run.Workers.LeaveOutAfter);
    }

    [Fact]
    public void Resources_are_both_roles_unless_the_launcher_is_to_have_none()
    {
        Assert.True(Container(Run().Launcher.Template).Has("resources", "limits", "nvidia.com/gpu"));

        var run = Run(static job => job["metadata"]!["annotations"] = new JsonObject { [KubeMpiAnnotations.LauncherResources] = "false" });
        Assert.False(Container(run.Launcher.Template).Has("resources"));
        Assert.True(Container(run.Workers.Template).Has("resources", "limits", "nvidia.com/gpu"));
    }

    [Fact]
    public void Names_and_images_that_are_left_out_are_the_generated_ones()
    {
        var run = Run(static job =>
        {
            job["spec"]!["image"] = "example/default";
            job["spec"]!["template"]!["spec"]!["containers"] = new JsonArray(new JsonObject { ["command"] = new JsonArray("mpiexec") });
        });

        Assert.Equal(("test1", "example/default"), (Container(run.Launcher.Template).Text("name"), Container(run.Launcher.Template).Text("image")));
        Assert.Equal("mpiexecutor", Container(run.Workers.Template).Text("name"));
    }

    [Theory]
    [InlineData("""{"daemon": true}""", true, 0)]
    [InlineData("""{"daemons": true}""", true, 1)]
    [InlineData("""{"daemon": true, "daemons": true}""", true, 0)]
    [InlineData("""{"daemon": false}""", false, 0)]
    public void Daemon_mode_has_two_spellings(string spec, bool daemon, int warnings)
    {
        var run = Run(job => Merge((JsonObject)job["spec"]!, spec));

        Assert.Equal(daemon ? TimeSpan.FromSeconds(60) : null, run.Workers.LeaveOutAfter);
        Assert.Equal(daemon, run.Workers.Template.Has("spec", "affinity"));
        Assert.False(run.Launcher.Template.Has("spec", "affinity"));
        Assert.Equal(warnings, run.Warnings.Length);
    }

    [Fact]
    public void The_distance_of_daemons_is_kept_beside_the_users_own_terms()
    {
        var run = Run(static job =>
        {
            job["spec"]!["daemon"] = true;
            job["spec"]!["template"]!["spec"]!["affinity"] = JsonNode.Parse("""{"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "rack"}]}}""");
        });

        var terms = run.Workers.Template.Items("spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution").ToList();
        Assert.Equal(["rack", "kubernetes.io/hostname"], terms.Select(static t => t.Text("topologyKey")));
        var expression = terms[1].Items("labelSelector", "matchExpressions").Single();
        Assert.Equal("mpi_job_role", expression.Text("key"));
        Assert.Equal(["mpioperator-hello-worker"], expression.Words("values"));
    }

    [Theory]
    [InlineData("Never", "Never", 0)]
    [InlineData("OnFailure", "OnFailure", 0)]
    [InlineData("Always", "Never", 1)]
    public void A_restart_policy_is_the_launchers(string written, string read, int warnings)
    {
        var run = Run(job => job["spec"]!["template"]!["spec"]!["restartPolicy"] = written);

        Assert.Equal((read, warnings), (run.Launcher.RestartPolicy, run.Warnings.Length));
        Assert.False(run.Launcher.Template.Has("spec", "restartPolicy"));
    }

    [Theory]
    [InlineData("""{"replicas": "${REPLICAS}"}""", "spec.replicas: Invalid value: \"${REPLICAS}\": holds the variable ${REPLICAS}, which was not replaced")]
    [InlineData("""{"slots": "$SLOTS"}""", "spec.slots: Invalid value: \"$SLOTS\": holds the variable $SLOTS, which was not replaced")]
    [InlineData("""{"template": {"spec": {"containers": [{"name": "a", "image": "${MPIBASE_IMAGE}"}]}}}""", "spec.template.spec.containers[0].image: Invalid value: \"${MPIBASE_IMAGE}\": holds the variable")]
    [InlineData("""{"replicas": "two"}""", "spec.replicas: Invalid value: \"two\": must be an integer")]
    [InlineData("""{"replicas": 0}""", "spec.replicas: Invalid value: 0: must be greater than or equal to 1")]
    [InlineData("""{"daemon": true, "daemons": false}""", "spec.daemons: Invalid value: false: must not differ from spec.daemon, which is true")]
    [InlineData("""{"template": null}""", "spec.template: Required value: must have a pod template")]
    [InlineData("""{"template": {"spec": {"containers": []}}}""", "spec.template.spec.containers: Required value")]
    [InlineData("""{"template": {"spec": {"containers": [{"name": "a"}]}}}""", "spec.template.spec.containers[0].image: Required value: must name an image, here or in spec.image")]
    [InlineData("""{"template": {"spec": {"volumes": [{"name": "mpi-job-hosts"}], "containers": [{"name": "a", "image": "b"}]}}}""", "spec.template.spec.volumes[0].name: Invalid value: \"mpi-job-hosts\": must be another")]
    [InlineData("""{"template": {"spec": {"restartPolicy": "Sometimes", "containers": [{"name": "a", "image": "b"}]}}}""", "spec.template.spec.restartPolicy: Unsupported value: \"Sometimes\"")]
    public void What_cannot_run_is_refused_with_its_path(string spec, string fault)
    {
        var rejected = Assert.IsType<ParseResult.Rejected>(Dialect.Parse(Read(job =>
        {
            var merged = (JsonObject)job["spec"]!;
            if (spec.Contains("template", StringComparison.Ordinal)) merged.Remove("template");
            Merge(merged, spec);
        })));

        Assert.Contains(rejected.Errors, e => e.ToString().StartsWith(fault, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(33, true)]
    [InlineData(34, false)]
    public void A_name_has_room_for_what_Kubernetes_appends_to_it(int length, bool fits) =>
        Assert.Equal(fits, Dialect.Parse(Read(job => job["metadata"]!["name"] = new string('a', length))) is ParseResult.Run);

    [Fact]
    public void Over_exec_the_workers_wait_and_the_launchers_account_is_the_jobs_own()
    {
        var run = Run(Exec);
        Assert.Equal(["sleep", "infinity"], Dialect.Wiring(run).WorkerCommand);

        var rejected = Assert.IsType<ParseResult.Rejected>(Dialect.Parse(Read(job =>
        {
            Exec(job);
            job["spec"]!["template"]!["spec"]!["serviceAccountName"] = "mine";
        })));
        Assert.Contains(rejected.Errors, static e => e.Path == "spec.template.spec.serviceAccountName");

        static void Exec(JsonObject job) => job["metadata"]!["annotations"] = new JsonObject { [KubeMpiAnnotations.Transport] = "exec" };
    }

    [Fact]
    public void The_digest_of_a_spec_tells_values_and_not_their_order()
    {
        var digest = Run().FrozenSpec;
        Assert.NotNull(digest);
        Assert.Equal(digest, Run(static job =>
        {
            var spec = (JsonObject)job["spec"]!;
            var replicas = spec["replicas"]!.DeepClone();
            spec.Remove("replicas");
            spec["replicas"] = replicas;
        }).FrozenSpec);
        Assert.NotEqual(digest, Run(static job => job["spec"]!["slots"] = 3).FrozenSpec);
    }

    [Fact]
    public void Status_has_the_hooks_fields_in_its_letters()
    {
        var presence = new WorkerPresence(2, 1);
        var status = Write([], new RunReport { State = RunState.Starting, Presence = presence, LeftOut = ["mpioperator-hello-worker-1"], FrozenSpec = "abc" });
        Assert.Equal("""{"state":"","status":"","success":""}""", status["job"]!.ToJsonString());
        Assert.Equal(("2", "2", "1"), (status["replicas"]!.ToString(), status["currentReplicas"]!.ToString(), status["readyReplicas"]!.ToString()));

        status = Write(status, new RunReport { State = RunState.Running, Running = true, Presence = presence });
        Assert.Equal("""{"state":"Running","status":"Unknown","success":"Unknown"}""", status["job"]!.ToJsonString());

        var read = Dialect.Status.Read(JsonElement.Parse(status.ToUtf8()));
        Assert.Equal((new WorkerPresence(2, 1), "abc"), (read.Presence, read.FrozenSpec));
        Assert.Equal(["mpioperator-hello-worker-1"], read.LeftOut);

        Assert.Equal("""{"state":"Finished","status":"Complete","success":"succeeded"}""", Write(status, Ended(new RunOutcome.Succeeded()))["job"]!.ToJsonString());
        Assert.Equal("""{"state":"Finished","status":"Failed","success":"Failed"}""", Write(status, Ended(new RunOutcome.Failed("BackoffLimitExceeded", "no")))["job"]!.ToJsonString());

        static RunReport Ended(RunOutcome outcome) => new() { State = RunState.Succeeded, Outcome = outcome, CompletionTime = DateTimeOffset.UnixEpoch };
    }

    [Theory]
    [InlineData("spec.daemons: is read as spec.daemon", "  daemons: true\n")]
    [InlineData("spec.template.spec.volumes[0].hostPath: is forbidden where Pod Security is baseline or restricted", "")]
    [InlineData("spec.replica: unknown field", "  replica: 3\n")]
    [InlineData("spec.replicas: holds the variable ${REPLICAS}, which was not replaced", "  replicas: ${REPLICAS}\n")]
    public void A_manifest_is_validated_by_its_own_rules(string finding, string added)
    {
        var yaml = "apiVersion: skatelescope.org/v1\nkind: MPIJob\nmetadata: {name: test-mpi}\nspec:\n" + added +
            "  template:\n    spec:\n      containers:\n      - {name: a, image: b, command: [mpiexec]}\n      volumes:\n      - {name: etc, hostPath: {path: /etc}}\n";

        Assert.Contains(finding, ManifestValidator.Check(yaml).ToText("f"), StringComparison.Ordinal);
    }

    [Fact]
    public void Pods_tell_their_job_by_the_old_label()
    {
        Assert.Equal("hello", Dialect.JobOf(new Dictionary<string, string> { ["mpi_job_name"] = "mpioperator-hello" }));
        Assert.Null(Dialect.JobOf(new Dictionary<string, string> { ["mpi_job_name"] = "hello" }));
        var profile = Dialect.Profile(new ObjectMeta { Name = "hello", Namespace = "default" });
        Assert.Equal("mpioperator-hello-launcher", profile.LauncherLabels["job-name"]);
        Assert.True(LabelSelector.Parse(Dialect.WatchedPods).Matches(profile.WorkerLabels));
    }

    private static MpiRun Run(Action<JsonObject>? change = null) => Assert.IsType<ParseResult.Run>(Dialect.Parse(Read(change))).Value;

    private static JsonElement Read(Action<JsonObject>? change)
    {
        var job = (JsonObject)JsonNode.Parse(Hello)!;
        change?.Invoke(job);
        return JsonElement.Parse(job.ToUtf8());
    }

    private static void Merge(JsonObject into, string json)
    {
        foreach (var (name, value) in (JsonObject)JsonNode.Parse(json)!) into[name] = value?.DeepClone();
    }

    private static JsonElement Container(JsonElement template) => template.Items("spec", "containers").First();

    private static JsonObject Write(JsonObject before, RunReport report) =>
        Dialect.Status.Write(JsonElement.Parse(before.ToUtf8()), new ObjectMeta { Name = "hello", Namespace = "default" }, report, DateTimeOffset.UnixEpoch);
}
