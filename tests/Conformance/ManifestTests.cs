using System.Reflection;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Conformance;

/// <summary>
/// The operator's manifests exist three times: as kustomize's parts, as files rendered from them, and as a Helm chart. All
/// of them must say the same.
/// </summary>
public sealed class ManifestTests
{
    private static readonly string Deploy = typeof(ManifestTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static a => a.Key == "DeploySource").Value!;

    [Theory]
    [InlineData("standalone", "install.yaml")]
    [InlineData("kubeflow", "install-kubeflow.yaml")]
    [InlineData("namespaced", "install-namespaced.yaml")]
    [InlineData("legacy", "install-legacy.yaml")]
    [InlineData("kube-batch", "kube-batch.yaml")]
    [InlineData("metacontroller", "metacontroller.yaml")]
    public async Task A_rendered_file_is_what_kustomize_makes_of_its_overlay(string overlay, string file)
    {
        if ((await Shell.RunAsync("kubectl version --client", Deploy, [])).Exit != 0) Assert.Skip("kubectl is not on the PATH");
        var (exit, rendered) = await Shell.RunAsync($"kubectl kustomize overlays/{overlay}", Deploy, []);
        Assert.True(exit == 0, rendered);
        // After a change: deploy/render
        var committed = await File.ReadAllTextAsync(Path.Combine(Deploy, file), TestContext.Current.CancellationToken);
        Assert.Equal($"# Rendered by: kubectl kustomize deploy/overlays/{overlay}\n{rendered}", committed);
    }

    /// <summary>Where Helm is on the PATH: its renderings; else nothing but that the chart's sources are there.</summary>
    public static TheoryData<string, string, string> Charts => OnPath("helm")
        ? new()
        {
            { "install.yaml", "mpi-operator", "" },
            { "install-kubeflow.yaml", "kubeflow", "" },
            { "install-namespaced.yaml", "mpi-operator", "--set namespaced=true,replicas=1" },
            { "install-legacy.yaml", "mpi-operator", "--set profile=legacy" },
        }
        : new() { { "", "", "" } };

    [Theory]
    [MemberData(nameof(Charts))]
    public async Task The_chart_makes_the_same_objects(string file, string ns, string settings)
    {
        if (file.Length == 0)
        {
            foreach (var part in (string[])["mpijobs", "rights", "leader-election", "user-roles", "legacy-mpijobs", "legacy-rights", "metacontroller-definition", "metacontroller-rights", "metacontroller-user-roles", "kube-batch-definition", "kube-batch-rights", "kube-batch-user-roles"])
            {
                Assert.True(File.Exists(Path.Combine(Deploy, "helm/kubempi/files", $"{part}.yaml")), $"{part} leads nowhere");
            }

            return;
        }

        var (exit, rendered) = await Shell.RunAsync($"helm template kubempi helm/kubempi --namespace {ns} {settings} 2>/dev/null", Deploy, []);
        Assert.True(exit == 0, rendered);
        var expected = Objects(await File.ReadAllTextAsync(Path.Combine(Deploy, file), TestContext.Current.CancellationToken));
        expected.Remove($"Namespace {ns}");
        var actual = Objects(rendered);
        Assert.Equal(expected.Keys, actual.Keys);
        foreach (var (name, obj) in expected) Assert.True(JsonNode.DeepEquals(obj, actual[name]), $"{name}:\n{obj}\nbut the chart makes\n{actual[name]}");
    }

    [Theory]
    [InlineData("kubeBatch", "kube-batch.yaml")]
    [InlineData("metacontroller", "metacontroller.yaml")]
    public async Task The_chart_adds_what_another_systems_jobs_need_where_it_is_asked_for_it(string value, string file)
    {
        if (!OnPath("helm")) return;
        var (exit, rendered) = await Shell.RunAsync($"helm template kubempi helm/kubempi --namespace mpi-operator --set dialects.{value}=true 2>/dev/null", Deploy, []);
        Assert.True(exit == 0, rendered);
        var actual = Objects(rendered);
        foreach (var (name, obj) in Objects(await File.ReadAllTextAsync(Path.Combine(Deploy, file), TestContext.Current.CancellationToken)))
        {
            Assert.True(actual.TryGetValue(name, out var made) && JsonNode.DeepEquals(obj, made), $"{name}:\n{obj}\nbut the chart makes\n{made}");
        }
    }

    /// <summary>By kind and name, without what Helm adds for itself.</summary>
    private static SortedDictionary<string, JsonObject> Objects(string manifests)
    {
        var objects = new SortedDictionary<string, JsonObject>(StringComparer.Ordinal);
        foreach (var document in Yaml.Read(manifests))
        {
            var metadata = (JsonObject)document.Root["metadata"]!;
            foreach (var (map, keys) in (ReadOnlySpan<(string, string[])>)[("labels", ["helm.sh/chart", "app.kubernetes.io/managed-by"]), ("annotations", ["helm.sh/resource-policy"])])
            {
                if (metadata[map] is not JsonObject members) continue;
                foreach (var key in keys) members.Remove(key);
                if (members.Count == 0) metadata.Remove(map);
            }

            objects.Add($"{document.Root["kind"]} {metadata["name"]}", document.Root);
        }

        return objects;
    }

    private static bool OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
}
