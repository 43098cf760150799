using Kube.Types;

namespace EndToEnd;

/// <summary><c>kubempi plan</c>: what would be created, on standard output, and nothing else happens.</summary>
public sealed class PlanTests
{
    public static TheoryData<string> Examples => [.. Directory.EnumerateFiles(Path.Combine(Kubempi.Root, "examples"), "*.yaml", SearchOption.AllDirectories).Select(static f => Path.GetRelativePath(Kubempi.Root, f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task Each_example_gets_workers_and_a_launcher_in_yaml_that_can_be_read_again(string example)
    {
        var result = await Kubempi.RunAsync("plan", example);

        result.ShouldEndWith(0);
        var objects = Yaml.Read(result.Output).Select(static d => KubeObject.From(d.Root).Root).ToList();
        var launcher = Assert.Single(objects, static o => o.Text("kind") == "Job");
        // Pods, those of a StatefulSet, or the other indexes of the launcher's Job.
        var workers = objects.Sum(static o => o.Text("kind") switch { "Pod" => 1, "StatefulSet" => o.Integer("spec", "replicas") ?? 0, _ => 0 }) + (launcher.Integer("spec", "parallelism") ?? 1) - 1;
        // Manifests as their users had them may be warned of, and one has a single worker.
        var asUsersHadIt = example.Contains("/mpi-test-", StringComparison.Ordinal) || example.EndsWith("/tensorflow-mnist.yaml", StringComparison.Ordinal);
        Assert.True(workers >= (asUsersHadIt ? 1 : 2), result.Output);
        if (!asUsersHadIt) Assert.Equal("", result.Error);
    }

    [Fact]
    public async Task Private_keys_are_not_printed_and_the_operators_flags_count()
    {
        var usual = await Kubempi.RunAsync("plan", "examples/pi/pi.yaml");
        var strict = await Kubempi.RunAsync("plan", "examples/pi/pi.yaml", "--", "--compat=strict");

        Assert.Contains("ssh-privatekey: \"\"", usual.Output, StringComparison.Ordinal);
        Assert.Contains("kubempi-gate", usual.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("kubempi-gate", strict.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_gets_no_launcher_says_why()
    {
        var manifest = Path.Combine(Directory.CreateTempSubdirectory("kubempi-plan-").FullName, "job.yaml");
        await File.WriteAllTextAsync(manifest, (await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/pi/pi.yaml"))).Replace("  runPolicy:\n", "  runPolicy:\n    managedBy: kueue.x-k8s.io/multikueue\n", StringComparison.Ordinal));

        var result = await Kubempi.RunAsync("plan", manifest);
        Directory.Delete(Path.GetDirectoryName(manifest)!, recursive: true);

        result.ShouldEndWith(1);
        Assert.Equal("", result.Output);
        Assert.Contains("default/pi gets no launcher: the operator leaves it to another manager", result.Error, StringComparison.Ordinal);
    }
}
