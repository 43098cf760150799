using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kube.Types.Tests;

public sealed class KubeObjectTests
{
    [Fact]
    public void Unknown_fields_are_never_lost()
    {
        var obj = KubeObject.Parse("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","future":1},"x":{"y":[1.50]}}""");
        var tree = obj.ToTree();
        tree["kind"] = "Changed";
        Assert.Equal("Pod", obj.Kind);
        Assert.Equal("""{"apiVersion":"v1","kind":"Changed","metadata":{"name":"a","future":1},"x":{"y":[1.50]}}""", KubeObject.From(tree).Root.GetRawText());
    }

    [Fact]
    public void A_member_that_stands_twice_is_refused() => Assert.ThrowsAny<JsonException>(() => KubeObject.Parse("""{"kind":"a","kind":"b"}"""));

    [Fact]
    public void Objects_as_deep_as_schemas_are_read_and_deeper_ones_refused()
    {
        static string Nested(int depth) => string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1" + new string('}', depth);
        Assert.NotNull(KubeObject.Parse(Nested(200)).ToTree());
        Assert.ThrowsAny<JsonException>(() => KubeObject.Parse(Nested(300)));
    }

    [Fact]
    public void A_condition_moves_its_time_only_with_its_status()
    {
        var conditions = new JsonArray();
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.True(Conditions.Set(conditions, new Condition("Running", "True", "a", "b"), start));
        Assert.False(Conditions.Set(conditions, new Condition("Running", "True", "a", "b"), start.AddSeconds(1)));
        Assert.True(Conditions.Set(conditions, new Condition("Running", "True", "a", "c"), start.AddSeconds(2)));
        Assert.Equal("2026-01-01T00:00:00Z", (string?)conditions[0]!["lastTransitionTime"]);
        Assert.True(Conditions.Set(conditions, new Condition("Running", "False", "a", "c"), start.AddSeconds(3)));
        Assert.Equal("2026-01-01T00:00:03Z", (string?)conditions[0]!["lastTransitionTime"]);
        Assert.False(Conditions.IsTrue(JsonElement.Parse(new JsonObject { ["conditions"] = conditions }.ToUtf8()), "Running"));
    }
}
