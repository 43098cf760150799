using System.Text.Json.Nodes;

namespace Kube.Types.Tests;

public sealed class StrategicMergePatchTests
{
    [Theory]
    // A container is found by its name, and its environment by its variables' names.
    [InlineData("""{"spec":{"containers":[{"name":"a","image":"1","env":[{"name":"X","value":"1"},{"name":"Y","value":"1"}]},{"name":"b"}]}}""",
        """{"spec":{"containers":[{"name":"a","env":[{"name":"Y","value":"2"},{"name":"Z","value":"3"}]},{"name":"c"}]}}""",
        """{"spec":{"containers":[{"name":"a","image":"1","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"},{"name":"Z","value":"3"}]},{"name":"b"},{"name":"c"}]}}""")]
    [InlineData("""{"spec":{"containers":[{"name":"a","command":["x","y"]}],"tolerations":[{"key":"a"}]}}""",
        """{"spec":{"containers":[{"name":"a","command":["z"]}],"tolerations":[{"key":"b"}]}}""",
        """{"spec":{"containers":[{"name":"a","command":["z"]}],"tolerations":[{"key":"b"}]}}""")]
    [InlineData("""{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}""", """{"spec":{"containers":[{"name":"a","$patch":"delete"}]}}""", """{"spec":{"containers":[{"name":"b"}]}}""")]
    [InlineData("""{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}""", """{"spec":{"containers":[{"name":"c"},{"$patch":"replace"}]}}""", """{"spec":{"containers":[{"name":"c"}]}}""")]
    [InlineData("""{"spec":{"a":1,"b":2}}""", """{"spec":{"$patch":"replace","c":3}}""", """{"spec":{"c":3}}""")]
    [InlineData("""{"spec":{"a":1,"b":2}}""", """{"spec":{"$patch":"delete"}}""", """{"spec":{}}""")]
    [InlineData("""{"metadata":{"finalizers":["a","b"]}}""", """{"metadata":{"finalizers":["b","c"]}}""", """{"metadata":{"finalizers":["a","b","c"]}}""")]
    [InlineData("""{"metadata":{"finalizers":["a","b"]}}""", """{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}}""", """{"metadata":{"finalizers":["b"]}}""")]
    [InlineData("""{"metadata":{"labels":{"a":"1","b":"2"}}}""", """{"metadata":{"labels":{"a":null,"c":"3"}}}""", """{"metadata":{"labels":{"b":"2","c":"3"}}}""")]
    // A volume that changes its source keeps only what is retained.
    [InlineData("""{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}""", """{"spec":{"volumes":[{"$retainKeys":["name","hostPath"],"name":"v","hostPath":{"path":"/x"}}]}}""",
        """{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}}""")]
    [InlineData("""{"status":{"conditions":[{"type":"Ready","status":"False","reason":"x"},{"type":"Initialized","status":"True"}]}}""",
        """{"status":{"$setElementOrder/conditions":[{"type":"Initialized"},{"type":"Ready"}],"conditions":[{"type":"Ready","status":"True","reason":null}]}}""",
        """{"status":{"conditions":[{"type":"Initialized","status":"True"},{"type":"Ready","status":"True"}]}}""")]
    // What only the server has keeps its place before the first named item that followed it.
    [InlineData("""{"spec":{"containers":[{"name":"s1"},{"name":"a"},{"name":"s2"},{"name":"b"}]}}""",
        """{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"c"}],"containers":[{"name":"c"},{"name":"a","$patch":"delete"}]}}""",
        """{"spec":{"containers":[{"name":"s1"},{"name":"s2"},{"name":"b"},{"name":"c"}]}}""")]
    [InlineData("""{"metadata":{"finalizers":["a","b"]}}""", """{"metadata":{"$setElementOrder/finalizers":["b","a"]}}""", """{"metadata":{"finalizers":["b","a"]}}""")]
    [InlineData("""{"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"x"}]}]}}""",
        """{"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"y"},{"containerPort":81}]}]}}""",
        """{"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"y"},{"containerPort":81}]}]}}""")]
    // Nulls and directives do not survive in what is added.
    [InlineData("{}", """{"spec":{"containers":[{"name":"a","image":null,"resources":{"limits":null}}]}}""", """{"spec":{"containers":[{"name":"a","resources":{}}]}}""")]
    [InlineData("""{"metadata":{"ownerReferences":[{"uid":"1","name":"a"}]}}""", """{"metadata":{"ownerReferences":[{"$patch":"delete","uid":"1"}]}}""", """{"metadata":{"ownerReferences":[]}}""")]
    public void A_strategic_patch_of_a_pod_merges_by_key(string target, string patch, string expected) => AssertSame(expected, Kinds.Pod, target, patch);

    [Fact]
    public void Pod_templates_within_jobs_merge_like_pods() => AssertSame(
        """{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"2"},{"name":"b"}]}}},"status":{"conditions":[{"type":"A"},{"type":"B"}]}}""",
        Kinds.Job,
        """{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b"}]}}},"status":{"conditions":[{"type":"A"}]}}""",
        """{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"2"}]}}},"status":{"conditions":[{"type":"B"}]}}""");

    [Fact]
    public void Service_ports_merge_by_port_and_node_addresses_by_type()
    {
        AssertSame("""{"spec":{"ports":[{"port":22,"name":"y"}]}}""", Kinds.Service, """{"spec":{"ports":[{"port":22,"name":"x"}]}}""", """{"spec":{"ports":[{"port":22,"name":"y"}]}}""");
        AssertSame("""{"status":{"addresses":[{"type":"InternalIP","address":"2"}]}}""", Kinds.Node,
            """{"status":{"addresses":[{"type":"InternalIP","address":"1"}]}}""", """{"status":{"addresses":[{"type":"InternalIP","address":"2"}]}}""");
    }

    [Theory]
    [InlineData("""{"spec":{"$patch":"frob"}}""")]
    [InlineData("""{"spec":{"$patch":1}}""")]
    [InlineData("""{"spec":{"containers":[{"image":"no name"}]}}""")]
    [InlineData("""{"spec":{"containers":["text"]}}""")]
    [InlineData("""{"spec":{"volumes":[{"name":"v","$retainKeys":["name"],"emptyDir":{}}]}}""")]
    [InlineData("""{"spec":{"$setElementOrder/containers":1,"containers":[{"name":"a"}]}}""")]
    public void A_malformed_patch_is_refused(string patch) => Assert.True(Assert.Throws<PatchException>(
        () => StrategicMergePatch.Apply((JsonObject)JsonNode.Parse("""{"spec":{"containers":[{"name":"a"}]}}""")!, (JsonObject)JsonNode.Parse(patch)!, Kinds.Pod)).Malformed);

    [Fact]
    public void Custom_resources_take_no_strategic_patch()
    {
        Assert.False(StrategicMergePatch.Supports(new ResourceKind("kubeflow.org", "v2beta1", "MPIJob", "mpijobs")));
        Assert.True(StrategicMergePatch.Supports(Kinds.Lease));
    }

    private static void AssertSame(string expected, ResourceKind kind, string target, string patch)
    {
        var (before, change) = ((JsonObject)JsonNode.Parse(target)!, (JsonObject)JsonNode.Parse(patch)!);
        var actual = StrategicMergePatch.Apply(before, change, kind);
        Assert.Equal(JsonNode.Parse(expected)!.ToJsonString(), actual.ToJsonString());
        Assert.Equal(JsonNode.Parse(target)!.ToJsonString(), before.ToJsonString());
        Assert.Equal(JsonNode.Parse(patch)!.ToJsonString(), change.ToJsonString());
    }
}
