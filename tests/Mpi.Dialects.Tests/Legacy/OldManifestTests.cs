using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects.Tests;

/// <summary>Manifests in kubeflow's old versions are judged by what they are stored as, and their faults have the paths that their users wrote.</summary>
public sealed class OldManifestTests
{
    internal const string Bench = """
        apiVersion: kubeflow.org/v1alpha1
        kind: MPIJob
        metadata: {name: bench-16}
        spec:
          gpus: 16
          template:
            spec:
              containers:
              - name: bench
                image: mpioperator/tensorflow-benchmarks
        """;

    internal const string Pi = """
        apiVersion: kubeflow.org/v1alpha2
        kind: MPIJob
        metadata: {name: pi}
        spec:
          cleanPodPolicy: Running
          mpiReplicaSpecs:
            Launcher: {replicas: 1, template: {spec: {containers: [{name: l, image: i, command: [mpirun, --allow-run-as-root, pi]}]}}}
            Worker: {replicas: 2, template: {spec: {containers: [{name: w, image: i, command: [sleep, infinity]}]}}}
        """;

    [Theory]
    [InlineData("\"mpirun,-n,16,bench\"", "is one text, \"mpirun,-n,16,bench\", and is read as the words \"mpirun\", \"-n\", \"16\", \"bench\"; write it as a list", "mpirun -n 16 bench")]
    [InlineData("train.sh", "is one text, \"train.sh\", and is read as the words \"train.sh\"; write it as a list", "train.sh")]
    [InlineData("\"null\"", "is one text, \"null\", and is read as none; write it as a list", "")]
    [InlineData("\"\"", "is one text, \"\", and is read as none; write it as a list", "")]
    public void A_command_that_is_one_text_is_read_as_its_words_and_told(string command, string message, string words)
    {
        var yaml = $"{Bench}\n        command: {command}";
        var run = Run(yaml);
        Assert.Equal([("spec.template.spec.containers[0].command", message, "CommandWasString")], run.Warnings.Select(static w => (w.Path, w.Message, w.Reason)));
        Assert.Equal(words, string.Join(' ', run.Launcher.Template.Items("spec", "containers").Single().Words("command")));
        var finding = Assert.Single(ManifestValidator.Check(yaml).Findings);
        Assert.Equal((FindingSeverity.Warning, "CommandWasString", message), (finding.Severity, finding.Id, finding.Message));
    }

    [Fact]
    public void A_command_of_null_is_none()
    {
        var run = Run($"{Bench}\n        command: null");
        Assert.Empty(run.Warnings);
        Assert.False(run.Launcher.Template.Items("spec", "containers").Single().Has("command"));
    }

    private static MpiRun Run(string yaml)
    {
        var job = Manifests.Tree(yaml);
        return Assert.IsType<ParseResult.Run>(ManifestDialects.For(job["apiVersion"]!.ToString(), "MPIJob")!.Parse(JsonElement.Parse(job.ToUtf8()))).Value;
    }

    [Theory]
    [InlineData(Bench)]
    [InlineData(Pi)]
    public void A_sound_manifest_is_sound_and_is_not_advised_about_sshd(string manifest) => Assert.Empty(ManifestValidator.Check(manifest).ToText("x"));

    [Theory]
    [InlineData("gpus: 16", "gpus: 12", "x:5: spec.gpus: specified #GPUs is not a multiple of GPUs per node (8). Fix: Write 8 or 16, or fewer than 8.")]
    [InlineData("gpus: 16", "gpus: 8.5", "x:5: spec.gpus: must be a 32-bit integer, not 8.5. Fix: Write a whole number in that range.")]
    [InlineData("gpus: 16", "replicas: 0", "x:5: spec.replicas: must be greater than or equal to 1, not 0. Fix: Write the number of workers, or leave Worker out altogether.")]
    [InlineData("name: bench\n", "nam: bench\n", "spec.template.spec.containers[0].name")]
    [InlineData("gpus: 16", "gpus: 16\n  gpusPerNod: 8", "x:6: warning: spec.gpusPerNod: unknown field. Fix: did you mean gpusPerNode?")]
    [InlineData("image: mpi", "command: a,b\n        image: mpi", "warning: spec.template.spec.containers[0].command: is one text, \"a,b\", and is read as the words \"a\", \"b\"; write it as a list")]
    public void A_fault_of_v1alpha1_has_its_own_path(string from, string to, string finding) =>
        Assert.Contains(finding, ManifestValidator.Check(Bench.Replace(from, to, StringComparison.Ordinal)).ToText("x"), StringComparison.Ordinal);

    [Theory]
    [InlineData("cleanPodPolicy: Running", "cleanPodPolicy: Sometimes", "x:5: spec.cleanPodPolicy: \"Sometimes\" is not supported")]
    [InlineData("cleanPodPolicy: Running", "backoffLimit: \"3\"", "x:5: spec.backoffLimit: must be an integer, not \"3\"")]
    [InlineData("replicas: 2", "replicas: two", "x:8: spec.mpiReplicaSpecs[Worker].replicas: must be an integer, not \"two\"")]
    [InlineData("{name: l, image: i,", "{name: l, image: i, resources: {request: {cpu: 1}},", "warning: spec.mpiReplicaSpecs[Launcher].template.spec.containers[0].resources.request: unknown field. Fix: did you mean requests?")]
    public void A_fault_of_v1alpha2_has_its_own_path(string from, string to, string finding) =>
        Assert.Contains(finding, ManifestValidator.Check(Pi.Replace(from, to, StringComparison.Ordinal)).ToText("x"), StringComparison.Ordinal);
}
