using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects.Tests;

/// <summary>The definition with all versions of MPIJob (deploy/crd/legacy).</summary>
public sealed class LegacyDefinitionTests
{
    private static readonly JsonNode Plain = Manifests.Tree(CustomResources.MpiJobs())["spec"]!;
    private static readonly JsonNode Legacy = Manifests.Tree(CustomResources.LegacyMpiJobs())["spec"]!;

    [Fact]
    public void Both_definitions_have_the_same_v2beta1_and_the_same_names()
    {
        Assert.True(JsonNode.DeepEquals(Plain["versions"]![0], Version("v2beta1")));
        Assert.True(JsonNode.DeepEquals(Plain["names"], Legacy["names"]));
        Assert.Equal(["v2beta1", "v1", "v1alpha2", "v1alpha1"], Legacy["versions"]!.AsArray().Select(static v => v!["name"]!.ToString()));
    }

    [Theory]
    [InlineData("v1", ".spec.mpiReplicaSpecs.Worker.replicas")]
    [InlineData("v1alpha2", ".spec.mpiReplicaSpecs.Worker.replicas")]
    [InlineData("v1alpha1", ".spec.replicas")]
    public void An_old_version_is_served_with_the_columns_status_and_scale_of_the_stored_one_and_keeps_what_it_does_not_know(string name, string replicas)
    {
        var version = Version(name);
        Assert.True(version["served"]!.GetValue<bool>());
        Assert.False(version["storage"]!.GetValue<bool>());
        Assert.True(JsonNode.DeepEquals(Version("v2beta1")["additionalPrinterColumns"], version["additionalPrinterColumns"]));
        Assert.NotNull(version["subresources"]!["status"]);
        Assert.Equal(replicas, version["subresources"]!["scale"]!["specReplicasPath"]!.ToString());
        var schema = version["schema"]!["openAPIV3Schema"]!;
        foreach (var place in (JsonNode[])[schema, schema["properties"]!["spec"]!, schema["properties"]!["status"]!])
        {
            Assert.True(place["x-kubernetes-preserve-unknown-fields"]!.GetValue<bool>());
        }

        Assert.DoesNotContain("containers", schema.ToJsonString(), StringComparison.Ordinal);
    }

    private static JsonNode Version(string name) => Legacy["versions"]!.AsArray().Single(v => v!["name"]!.ToString() == name)!;
}
