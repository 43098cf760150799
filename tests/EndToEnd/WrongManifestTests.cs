namespace EndToEnd;

/// <summary>A manifest that is wrong: one message with every fault, exit code 2, and nothing was started.</summary>
[Collection("this machine")]
public sealed class WrongManifestTests
{
    [Fact]
    public async Task Three_faults_are_told_at_once_with_places_and_fixes()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/pi/pi.yaml"));
        var wrong = text.Replace("slotsPerWorker: 2", "slotsPerWorker: -2", StringComparison.Ordinal)
            .Replace("replicas: 2", "replicas: two", StringComparison.Ordinal)
            .Replace("cleanPodPolicy", "cleanPodsPolicy", StringComparison.Ordinal);

        var result = await Kubempi.RunTextAsync(wrong);

        result.ShouldEndWith(2);
        Assert.Equal("", result.Output);
        Assert.Contains("is not valid: 3 errors.", result.Error, StringComparison.Ordinal);
        Assert.Contains("job.yaml:6: spec.slotsPerWorker: must be greater than or equal to 0, not -2. Fix: Write 0 or more.", result.Error, StringComparison.Ordinal);
        Assert.Contains("spec.runPolicy.cleanPodsPolicy: unknown field. Fix: did you mean cleanPodPolicy?", result.Error, StringComparison.Ordinal);
        Assert.Contains("spec.mpiReplicaSpecs[Worker].replicas: must be an integer, not \"two\". Fix: Write a whole number.", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kind: MPIJob\n  x: [", "column")]
    [InlineData("apiVersion: kubeflow.org/v7\nkind: MPIJob\nmetadata: { name: a }\n", "Fix: Write apiVersion: kubeflow.org/v2beta1.")]
    [InlineData("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n", "no MPI job")]
    [InlineData("", "the file has no object")]
    public async Task What_cannot_be_run_ends_with_two_and_a_reason(string manifest, string reason)
    {
        var result = await Kubempi.RunTextAsync(manifest);

        result.ShouldEndWith(2);
        Assert.Contains(reason, result.Error, StringComparison.Ordinal);
        Assert.Equal("", result.Output);
    }

    [Fact]
    public async Task A_manifest_that_is_not_there_is_named()
    {
        var result = await Kubempi.RunAsync("run", "examples/nowhere.yaml");

        result.ShouldEndWith(2);
        Assert.Contains("examples/nowhere.yaml", result.Error, StringComparison.Ordinal);
    }
}
