using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace Kube.Types.Tests;

public sealed class PatchTests
{
    // The examples of RFC 7386, appendix A.
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", "{}")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""["a","b"]""", """["c","d"]""", """["c","d"]""")]
    [InlineData("""{"a":"foo"}""", "null", "null")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("[1,2]", """{"a":"b","c":null}""", """{"a":"b"}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    public void Merge_patches_follow_RFC_7386(string target, string patch, string expected) =>
        AssertSame(expected, MergePatch.Apply(JsonNode.Parse(target), JsonNode.Parse(patch)));

    [Theory]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"/b","value":[1]}]""", """{"a":1,"b":[1]}""")]
    [InlineData("""{"a":[1,3]}""", """[{"op":"add","path":"/a/1","value":2}]""", """{"a":[1,2,3]}""")]
    [InlineData("""{"a":[1]}""", """[{"op":"add","path":"/a/-","value":2}]""", """{"a":[1,2]}""")]
    [InlineData("""{"a":[1,2]}""", """[{"op":"remove","path":"/a/0"}]""", """{"a":[2]}""")]
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"/a","value":null}]""", """{"a":null}""")]
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"","value":2}]""", "2")]
    [InlineData("""{"a":{"b":1}}""", """[{"op":"move","from":"/a/b","path":"/c"}]""", """{"a":{},"c":1}""")]
    [InlineData("""{"a":[1,2,3]}""", """[{"op":"move","from":"/a/0","path":"/a/2"}]""", """{"a":[2,3,1]}""")]
    [InlineData("""{"a":{"b":1}}""", """[{"op":"copy","from":"/a","path":"/c"}]""", """{"a":{"b":1},"c":{"b":1}}""")]
    [InlineData("""{"a/b":{"~":1}}""", """[{"op":"test","path":"/a~1b/~0","value":1},{"op":"remove","path":"/a~1b"}]""", "{}")]
    [InlineData("""{"a":1}""", """[{"op":"test","path":"/b","value":null}]""", """{"a":1}""")]
    // As an API server has it, where the RFC would refuse.
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"/b","value":2},{"op":"add","path":"/c"}]""", """{"a":1,"b":2,"c":null}""")]
    public void Json_patches_follow_RFC_6902(string target, string patch, string expected) =>
        AssertSame(expected, JsonPatch.Apply(JsonNode.Parse(target), (JsonArray)JsonNode.Parse(patch)!));

    [Theory]
    [InlineData("""[{"op":"test","path":"/a","value":2}]""", false)]
    [InlineData("""[{"op":"remove","path":"/b"}]""", false)]
    [InlineData("""[{"op":"add","path":"/b/c","value":1}]""", false)]
    [InlineData("""[{"op":"add","path":"/list/3","value":1}]""", false)]
    [InlineData("""[{"op":"remove","path":"/list/01"}]""", false)]
    [InlineData("""[{"op":"move","from":"/a","path":"/a/b"}]""", false)]
    [InlineData("""[{"op":"add","path":"b","value":1}]""", false)]
    [InlineData("""[{"op":"replace","path":"/b/c","value":1}]""", false)]
    [InlineData("""[{"op":"add"}]""", false)]
    [InlineData("""[{"op":"frob","path":"/b"}]""", false)]
    [InlineData("""[1]""", true)]
    public void A_json_patch_that_cannot_be_applied_changes_nothing_and_says_whose_fault_it_is(string patch, bool malformed)
    {
        var target = JsonNode.Parse("""{"a":1,"list":[1]}""")!;
        var before = target.ToJsonString();
        var thrown = Assert.Throws<PatchException>(() => JsonPatch.Apply(target, (JsonArray)JsonNode.Parse(patch)!));
        Assert.Equal(malformed, thrown.Malformed);
        Assert.Equal(before, target.ToJsonString());
    }

    [Fact]
    public void Copies_of_copies_are_stopped_before_they_fill_the_memory()
    {
        var patch = new JsonArray();
        for (var i = 0; i < 60; i++) patch.Add((JsonNode)new JsonObject { ["op"] = "copy", ["from"] = "/a", ["path"] = "/a/-" });
        Assert.Throws<PatchException>(() => JsonPatch.Apply(new JsonObject { ["a"] = new JsonArray(new string('x', 10_000)) }, patch));
    }

    [Fact]
    public void A_merge_patch_made_of_a_difference_makes_the_other()
    {
        Prop.ForAll(Trees.Two().ToArbitrary(), pair =>
        {
            var (from, to) = ((JsonObject)JsonNode.Parse(pair.Item1)!, (JsonObject)JsonNode.Parse(pair.Item2)!);
            var patch = MergePatch.Diff(from, to);
            return JsonNode.DeepEquals(MergePatch.Apply(from, patch), to)
                && MergePatch.Diff(to, to).Count == 0
                && from.ToJsonString() == JsonNode.Parse(pair.Item1)!.ToJsonString();
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_difference_names_only_what_differs() => AssertSame(
        """{"a":null,"c":{"e":2}}""",
        MergePatch.Diff((JsonObject)JsonNode.Parse("""{"a":1,"b":[1],"c":{"d":1,"e":1}}""")!, (JsonObject)JsonNode.Parse("""{"b":[1],"c":{"d":1,"e":2}}""")!));

    // Objects without null, which a merge patch cannot express.
    private static readonly Gen<string> Trees = Gen.Sized(size => Tree(Math.Min(size, 4)));

    private static Gen<string> Tree(int depth) =>
        Gen.ListOf(Gen.Elements("a", "b", "c", "d").Zip(Value(depth)))
            .Select(members => $"{{{string.Join(",", members.DistinctBy(m => m.Item1).Select(m => $"\"{m.Item1}\":{m.Item2}"))}}}");

    private static Gen<string> Value(int depth)
    {
        var plain = Gen.Elements("1", "2.5", "\"x\"", "true", "[]", "[1,{\"a\":null}]", "{}");
        return depth == 0 ? plain : Gen.OneOf(plain, Tree(depth - 1));
    }

    private static void AssertSame(string expected, JsonNode? actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), actual), $"expected {expected}, got {actual?.ToJsonString() ?? "null"}");
}
