using System.Text.Json.Nodes;
using Kube.Types;

namespace EndToEnd;

/// <summary><c>kubempi convert</c>: a manifest in another version, offline, and nothing lost on the way.</summary>
public sealed class ConvertTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kubempi-convert-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_manifest_says_the_same_in_another_version_and_comes_back_as_it_was()
    {
        const string Example = "examples/kubeflow-v1alpha1/job.yaml";
        var there = await Kubempi.RunAsync("convert", Example, "--to", "kubeflow.org/v2beta1");
        there.ShouldEndWith(0);
        var spec = Yaml.Read(there.Output).Single().Root["spec"]!;
        Assert.Equal("2", spec["mpiReplicaSpecs"]!["Worker"]!["replicas"]!.ToString());
        Assert.Equal("8", spec["slotsPerWorker"]!.ToString());
        Assert.Equal($"kubempi convert: {Example}:3: MPIJob bench-16: kubeflow.org/v2beta1 has no counterpart of spec.gpus; kept in an annotation\n", there.Error);

        var file = Write(there.Output);
        var back = await Kubempi.RunAsync("convert", file, "--to", "kubeflow.org/v1alpha1");
        back.ShouldEndWith(0);
        Assert.Equal("", back.Error);
        Assert.True(JsonNode.DeepEquals(Yaml.Read(await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, Example), TestContext.Current.CancellationToken)).Single().Root, Yaml.Read(back.Output).Single().Root), back.Output);
    }

    [Fact]
    public async Task Other_objects_stay_as_they_are_and_lists_are_taken_apart()
    {
        var file = Write("""
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: b}}
            - {apiVersion: kubeflow.org/v1, kind: MPIJob, metadata: {name: one}, spec: {cleanPodPolicy: All, mpiReplicaSpecs: {Launcher: {template: {spec: {containers: [{name: l, image: i}]}}}}}}
            ---
            {apiVersion: kubeflow.org/v1alpha2, kind: MPIJob, metadata: {name: two}, spec: {gpusPerNode: 4, mpiReplicaSpecs: {Launcher: {template: {spec: {containers: [{name: l, image: i}]}}}}}}
            """);
        var result = await Kubempi.RunAsync("convert", file, "--to", "kubeflow.org/v2beta1");

        result.ShouldEndWith(0);
        var objects = Yaml.Read(result.Output).Select(static d => d.Root).ToList();
        Assert.Equal(["v1 ConfigMap", "kubeflow.org/v2beta1 MPIJob", "kubeflow.org/v2beta1 MPIJob"], objects.Select(static o => $"{o["apiVersion"]} {o["kind"]}"));
        Assert.Equal("""{"a":"b"}""", objects[0]["data"]!.ToJsonString());
        Assert.Equal("All", objects[1]["spec"]!["runPolicy"]!["cleanPodPolicy"]!.ToString());
        Assert.Contains("MPIJob two: kubeflow.org/v2beta1 has no counterpart of spec.gpusPerNode; kept in an annotation", result.Error, StringComparison.Ordinal);
    }

    /// <summary>What was written for one system runs in the words of the other, and its ranks are where they were.</summary>
    [Theory]
    [InlineData("examples/kube-batch/test-mpi.yaml", "kubeflow.org/v2beta1", "test-mpi-launcher test-mpi-worker-0 test-mpi-worker-1 test-mpi-worker-2 test-mpi-worker-3 test-mpi-worker-4")]
    [InlineData("examples/metacontroller/mpi-test-replicas.yaml", "kubeflow.org/v1", null)]
    public async Task A_manifest_for_one_system_runs_in_the_words_of_another(string example, string to, string? hosts)
    {
        var converted = await Kubempi.RunAsync("convert", example, "--to", to);
        converted.ShouldEndWith(0);
        Assert.Equal(to, Yaml.Read(converted.Output).Single().Root["apiVersion"]!.ToString());

        var result = await Kubempi.RunTextAsync(converted.Output.Replace("kubempi.dev/gang-scheduler: kube-batch", "kubempi.dev/gang-scheduler: none", StringComparison.Ordinal));
        result.ShouldEndWith(0);
        if (hosts is not null) Assert.Equal(hosts.Split(' '), result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(static h => h.Split('.')[0]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_cannot_become_another_systems_is_refused_whole()
    {
        var result = await Kubempi.RunAsync("convert", "examples/metacontroller/job.yaml", "--to", "scheduling.incubator.k8s.io/v1alpha1");
        result.ShouldEndWith(2);
        Assert.Equal("", result.Output);
        Assert.Contains("MPIJob hello: cannot become scheduling.incubator.k8s.io/v1alpha1: spec.mpiImplementation: Invalid value: \"OpenMPI\": must be MPICH", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_that_there_is_not_is_refused_with_those_that_there_are()
    {
        var result = await Kubempi.RunAsync("convert", "examples/pi/pi.yaml", "--to", "kubeflow.org/v3");

        result.ShouldEndWith(2);
        Assert.Equal("kubempi convert: --to kubeflow.org/v3 is no version of MPI jobs; these are: kubeflow.org/v2beta1, kubeflow.org/v1, kubeflow.org/v1alpha2, kubeflow.org/v1alpha1, skatelescope.org/v1, scheduling.incubator.k8s.io/v1alpha1\n", result.Error);
    }

    private string Write(string text)
    {
        var file = Path.Combine(_folder.FullName, $"{Guid.NewGuid()}.yaml");
        File.WriteAllText(file, text);
        return file;
    }
}
