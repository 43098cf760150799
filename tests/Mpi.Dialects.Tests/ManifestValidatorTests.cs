using Kube.Types;

namespace Mpi.Dialects.Tests;

public sealed class ManifestValidatorTests
{
    private const string Spec = "spec.mpiReplicaSpecs";

    [Fact]
    public void A_good_manifest_has_no_findings() => Assert.Equal("", Text(AJob.Good));

    [Fact]
    public void Launcher_replicas_other_than_one_are_named_with_line_and_fix() => Assert.Equal(
        """
        x.yaml is not valid: 1 error.
          x.yaml:10: spec.mpiReplicaSpecs[Launcher].replicas: must be 1, not 2. Fix: Write replicas: 1, or leave it out.

        """,
        Text(AJob.With("    Launcher:\n", "    Launcher:\n      replicas: 2\n")));

    [Fact]
    public void A_missing_launcher_is_named() => Assert.Equal(
        [(7, $"{Spec}[Launcher]", "must have Launcher replica spec", "Add a Launcher: it runs mpirun.")],
        Errors("""
            apiVersion: kubeflow.org/v2beta1
            kind: MPIJob
            metadata:
              name: pi
            spec:
              sshAuthMountPath: /home/mpiuser/.ssh
              mpiReplicaSpecs:
                Worker:
                  replicas: 2
                  template:
                    spec:
                      containers:
                        - { name: worker, image: a, securityContext: { runAsUser: 1000 } }
            """));

    [Fact]
    public void Negative_slots_are_named() => Assert.Equal(
        [(6, "spec.slotsPerWorker", "must be greater than or equal to 0, not -1", "Write 0 or more.")],
        Errors(AJob.With("slotsPerWorker: 1", "slotsPerWorker: -1")));

    [Fact]
    public void Text_where_a_number_belongs_is_named_once() => Assert.Equal(
        [(18, $"{Spec}[Worker].replicas", "must be an integer, not \"2\"", "Write 2 without quotes.")],
        Errors(AJob.With("replicas: 2", "replicas: \"2\"")));

    [Theory]
    [InlineData("-n, 2, /home/mpiuser/pi", "is the number 2; container arguments are text", "Write \"2\" with quotes.", 2)]
    [InlineData("--verbose, yes, x", "is the boolean true; container arguments are text", "Write \"true\" with quotes.", 2)]
    public void A_word_of_a_command_that_yaml_takes_for_something_else_is_named(string args, string message, string fix, int index) => Assert.Equal(
        [(14, $"{Spec}[Launcher].template.spec.containers[0].command[{index}]", message, fix)],
        Errors(AJob.With("[mpirun, -n, \"2\", /home/mpiuser/pi]", $"[mpirun, {args}]")));

    [Fact]
    public void A_wrong_api_version_is_named_and_the_rest_is_still_checked() => Assert.Equal(
        [
            (1, "apiVersion", "\"kubeflow.org/v2beta2\" is not supported for MPIJob", "Write apiVersion: kubeflow.org/v2beta1."),
            (6, "spec.slotsPerWorker", "must be greater than or equal to 0, not -1", "Write 0 or more."),
        ],
        Errors(AJob.With("kubeflow.org/v2beta1", "kubeflow.org/v2beta2", "slotsPerWorker: 1", "slotsPerWorker: -1")));

    [Theory]
    [InlineData("kind: MPIJob", "kind: MpiJob", "kind", "\"MpiJob\" is not a kind of kubeflow.org/v2beta1", "Write kind: MPIJob.")]
    [InlineData("kind: MPIJob", "kind: MPIJobs", "kind", "\"MPIJobs\" is not a kind of kubeflow.org/v2beta1", "Write kind: MPIJob.")]
    [InlineData("kind: MPIJob", "", "kind", "must have a kind", "Write kind: MPIJob.")]
    [InlineData("apiVersion: kubeflow.org/v2beta1", "", "apiVersion", "must have an apiVersion", "Write apiVersion: kubeflow.org/v2beta1.")]
    [InlineData("apiVersion: kubeflow.org/v2beta1", "apiVersion: kubeflow.org/v3", "apiVersion", "\"kubeflow.org/v3\" is not supported for MPIJob", "Write apiVersion: kubeflow.org/v2beta1.")]
    public void Other_versions_and_kinds_are_told_what_to_write(string old, string with, string path, string message, string fix)
    {
        var error = Assert.Single(Errors(AJob.With(old, with)));
        Assert.Equal((path, message, fix), (error.Path, error.Message, error.Fix));
    }

    [Theory]
    [InlineData("  slotsPerWorker: 1", "  slotPerWorker: 1", 6, "spec.slotPerWorker", "did you mean slotsPerWorker?")]
    [InlineData("  slotsPerWorker: 1", "  cleanPodPolicy: All", 6, "spec.cleanPodPolicy", "cleanPodPolicy belongs under spec.runPolicy.")]
    [InlineData("  slotsPerWorker: 1", "  runPolicy:\n    slotsPerWorker: 2", 7, "spec.runPolicy.slotsPerWorker", "slotsPerWorker belongs under spec.")]
    [InlineData("  name: pi", "  name: pi\n  label: {}", 5, "metadata.label", "did you mean labels?")]
    [InlineData("    Worker:", "    Workers:", 17, "spec.mpiReplicaSpecs[Workers]", "did you mean Worker?")]
    [InlineData("kind: MPIJob", "kind: MPIJob\nrunPolicy: {}", 3, "runPolicy", "runPolicy belongs under spec.")]
    [InlineData("  slotsPerWorker: 1", "  frobnicate: 1", 6, "spec.frobnicate", null)]
    public void Unknown_fields_outside_templates_are_errors_with_a_suggestion(string old, string with, int line, string path, string? fix) => Assert.Contains(
        (line, path, "unknown field", fix),
        Errors(AJob.With(old, with)));

    [Theory]
    [InlineData("name: worker", "name: worker\n              resources: { request: { cpu: 1 } }", 24, "containers[0].resources.request", "did you mean requests?")]
    [InlineData("name: worker", "name: worker\n              capabilities: { drop: [ALL] }", 24, "containers[0].capabilities", "capabilities belongs under spec.mpiReplicaSpecs[Worker].template.spec.containers[0].securityContext.")]
    [InlineData("name: worker", "name: worker\n              nodeSelector: { a: b }", 24, "containers[0].nodeSelector", "nodeSelector belongs under spec.mpiReplicaSpecs[Worker].template.spec.")]
    [InlineData("name: worker", "name: worker\n              volumemounts: []", 24, "containers[0].volumemounts", "did you mean volumeMounts?")]
    public void Unknown_fields_inside_templates_are_warnings_with_a_suggestion(string old, string with, int line, string path, string fix)
    {
        var report = ManifestValidator.Check(AJob.With(old, with));

        Assert.False(report.HasErrors);
        var finding = Assert.Single(report.Findings);
        Assert.Equal((FindingSeverity.Warning, line, $"{Spec}[Worker].template.spec.{path}", "unknown field", fix), (finding.Severity, finding.At.Line, finding.Path, finding.Message, finding.Fix));
    }

    [Theory]
    [InlineData("name: worker", "name: worker\n              tty: \"true\"", "containers[0].tty", "must be true or false, not \"true\"")]
    [InlineData("name: worker", "name: worker\n              ports: [{ containerPort: http }]", "containers[0].ports[0].containerPort", "must be an integer, not \"http\"")]
    [InlineData("name: worker", "name: worker\n              volumeMounts: { a: b }", "containers[0].volumeMounts", "must be a list, not {...}")]
    [InlineData("name: worker", "name: worker\n              env: [{ name: A, value: 3 }]", "containers[0].env[0].value", "must be a string, not 3")]
    [InlineData("name: worker", "name: worker\n              resources: { limits: { cpu: [1] } }", "containers[0].resources.limits[cpu]", "must be a quantity, not [...]")]
    public void A_value_of_the_wrong_type_inside_a_template_is_an_error(string old, string with, string path, string message)
    {
        var error = Assert.Single(Errors(AJob.With(old, with)));
        Assert.Equal(($"{Spec}[Worker].template.spec.{path}", message), (error.Path, error.Message));
    }

    [Fact]
    public void Everything_is_found_at_once_in_the_order_of_the_text() => Assert.Equal(
        """
        x.yaml is not valid: 4 errors, 1 warning.
          x.yaml:6: spec.slotsPerWorker: must be greater than or equal to 0, not -3. Fix: Write 0 or more.
          x.yaml:7: spec.sshAuthMountpath: unknown field. Fix: did you mean sshAuthMountPath?
          x.yaml:10: spec.mpiReplicaSpecs[Launcher].replicas: must be an integer, not "one". Fix: Write a whole number.
          x.yaml:15: spec.mpiReplicaSpecs[Launcher].template.spec.containers[0].command[2]: is the number 2; container arguments are text. Fix: Write "2" with quotes.
          x.yaml:25: warning: spec.mpiReplicaSpecs[Worker].template.spec.containers[0].imagePolicy: unknown field. Fix: did you mean imagePullPolicy?

        """,
        Text(AJob.With(
            "slotsPerWorker: 1", "slotsPerWorker: -3", "sshAuthMountPath", "sshAuthMountpath", "    Launcher:\n", "    Launcher:\n      replicas: one\n",
            "\"2\"", "2", "name: worker", "name: worker\n              imagePolicy: Always"), static id => id is not ("S06" or "S15")));

    [Theory]
    [InlineData("a: [1", 2)]
    [InlineData("a: b: c", 1)]
    [InlineData("spec:\n\tname: x", 1)]
    [InlineData("a: 1\na: 2", 2)]
    [InlineData("- 1", 1)]
    [InlineData("just words", 1)]
    public void Broken_yaml_is_one_error_with_line_and_column(string text, int line)
    {
        var report = ManifestValidator.Check(text);

        var finding = Assert.Single(report.Findings);
        Assert.Equal(FindingSeverity.Error, finding.Severity);
        Assert.Equal(line, finding.At.Line);
        Assert.StartsWith($"  x.yaml:{line}: column ", report.ToText("x.yaml").Split('\n')[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment\n")]
    [InlineData("---\n---\n")]
    public void A_file_without_objects_is_refused(string text) => Assert.Equal("the file has no object", Assert.Single(ManifestValidator.Check(text).Findings).Message);

    [Fact]
    public void Other_kinds_in_the_file_are_left_alone_but_need_a_name()
    {
        var report = ManifestValidator.Check($"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: input\ndata: {{ a: b }}\n---\napiVersion: v1\nkind: Secret\nmetadata: {{}}\n---\n{AJob.Good}");

        var finding = Assert.Single(report.Findings);
        Assert.Equal((9, "metadata.name", "Give the Secret a name."), (finding.At.Line, finding.Path, finding.Fix));
        Assert.Equal(3, report.Documents.Count);
    }

    [Fact]
    public void A_name_to_be_generated_is_a_name() => Assert.Empty(ManifestValidator.Check(AJob.With("  name: pi", "  generateName: pi-")).Findings);

    [Fact]
    public void No_text_makes_it_throw()
    {
        var random = new Random(5);
        const string bits = "{}[]:-,\"'#&*!|>\n \t%@~0aé";
        for (var round = 0; round < 600; round++)
        {
            var text = AJob.Good.ToCharArray().ToList();
            for (var edit = random.Next(1, 6); edit > 0; edit--)
            {
                var at = random.Next(text.Count);
                if (random.Next(2) == 0) text.RemoveAt(at);
                else text.Insert(at, bits[random.Next(bits.Length)]);
            }

            _ = ManifestValidator.Check(new string([.. text])).ToText("x.yaml");
        }

        _ = ManifestValidator.Check("kind: \"\\ud800\"\napiVersion: x");
    }

    private static string Text(string manifest) => ManifestValidator.Check(manifest).ToText("x.yaml");

    private static string Text(string manifest, Func<string, bool> rules)
    {
        var report = ManifestValidator.Check(manifest);
        return (report with { Findings = [.. report.Findings.Where(f => rules(f.Id))] }).ToText("x.yaml");
    }

    private static IEnumerable<(int Line, string Path, string Message, string? Fix)> Errors(string manifest) =>
        ManifestValidator.Check(manifest).Findings.Where(static f => f.Severity == FindingSeverity.Error).Select(static f => (f.At.Line, f.Path, f.Message, f.Fix));
}

/// <summary>A job that is right in every way, to be spoiled.</summary>
internal static class AJob
{
    public const string Good = """
        apiVersion: kubeflow.org/v2beta1
        kind: MPIJob
        metadata:
          name: pi
        spec:
          slotsPerWorker: 1
          sshAuthMountPath: /home/mpiuser/.ssh
          mpiReplicaSpecs:
            Launcher:
              template:
                spec:
                  containers:
                    - name: launcher
                      command: [mpirun, -n, "2", /home/mpiuser/pi]
                      image: mpioperator/mpi-pi:openmpi
                      securityContext: { runAsUser: 1000 }
            Worker:
              replicas: 2
              template:
                spec:
                  containers:
                    - image: mpioperator/mpi-pi:openmpi
                      name: worker
                      command: [/usr/sbin/sshd, -De, -f, /home/mpiuser/.sshd_config]
                      securityContext: { runAsUser: 1000 }
        """;

    /// <summary>The good job with texts replaced, two by two; each must occur.</summary>
    public static string With(params string[] replacements)
    {
        var text = Good;
        for (var i = 0; i < replacements.Length; i += 2)
        {
            Assert.Contains(replacements[i], text, StringComparison.Ordinal);
            var at = text.IndexOf(replacements[i], StringComparison.Ordinal);
            text = text[..at] + replacements[i + 1] + text[(at + replacements[i].Length)..];
        }

        return text;
    }
}
