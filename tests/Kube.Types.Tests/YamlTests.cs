using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace Kube.Types.Tests;

public sealed class YamlTests
{
    // Each expectation is what kubectl 1.32 made of it (kubectl label --local -o json).
    [Theory]
    [InlineData("yes", "true")]
    [InlineData("y", "true")]
    [InlineData("On", "true")]
    [InlineData("off", "false")]
    [InlineData("N", "false")]
    [InlineData("True", "true")]
    [InlineData("tRue", "\"tRue\"")]
    [InlineData("\"yes\"", "\"yes\"")]
    [InlineData("'1'", "\"1\"")]
    [InlineData("0644", "420")]
    [InlineData("0o644", "420")]
    [InlineData("08", "8")]
    [InlineData("1_000", "1000")]
    [InlineData("1.0", "1")]
    [InlineData("1.10", "1.1")]
    [InlineData("1e3", "1000")]
    [InlineData("12e03", "12000")]
    [InlineData("1e21", "1e+21")]
    [InlineData("0.1e-7", "1e-8")]
    [InlineData(".5", "0.5")]
    [InlineData("+1", "1")]
    [InlineData("0x1F", "31")]
    [InlineData("-0b11", "-3")]
    [InlineData("2001-01-01", "\"2001-01-01\"")]
    [InlineData("1:30", "\"1:30\"")]
    [InlineData("~", "null")]
    [InlineData("", "null")]
    [InlineData("Null", "null")]
    [InlineData("!!str 123", "\"123\"")]
    [InlineData("123456789012345678901234567890", "1.2345678901234568e+29")]
    [InlineData("2Gi", "\"2Gi\"")]
    [InlineData("1.2.3", "\"1.2.3\"")]
    [InlineData("-", "\"-\"")]
    public void Plain_words_mean_what_they_mean_to_kubectl(string word, string json)
    {
        if (word == "-") word = "'-'";
        Assert.Equal(json, One($"a: {word}").Root["a"]?.ToJsonString() ?? "null");
    }

    [Fact]
    public void Keys_become_text() => Assert.Equal("""{"1":"a","2.5":"b","420":"d","true":1}""", One("{1: a, 2.5: b, 0644: d, yes: 1}").Root.ToJsonString());

    [Fact]
    public void Documents_are_parted_empty_ones_left_out_and_lists_taken_apart()
    {
        var documents = Yaml.Read("""
            # only a comment
            ---
            kind: A
            ---
            ---
            apiVersion: v1
            kind: List
            items:
            - kind: B
              metadata: {name: b}
            - kind: PodList
              items: [{kind: C}]
            ...
            """);
        Assert.Equal(["A", "B", "C"], documents.Select(d => (string?)d.Root["kind"]));
        Assert.Equal(new YamlPosition(10, 14), documents[1].Positions.Locate("metadata.name"));
        Assert.Empty(Yaml.Read(""));
    }

    [Fact]
    public void A_field_is_found_in_the_text_and_a_missing_one_near_it()
    {
        var positions = One("""
            apiVersion: kubeflow.org/v2beta1
            kind: MPIJob
            metadata:
              annotations:
                kubempi.dev/transport: agent
            spec:
              mpiReplicaSpecs:
                Worker:
                  replicas: 2
                  template:
                    spec:
                      containers:
                      - image: x
                        name: y
            """).Positions;
        Assert.Equal(new YamlPosition(9, 7), positions.Locate("spec.mpiReplicaSpecs[Worker].replicas"));
        Assert.Equal(new YamlPosition(9, 7), positions.Locate("spec.mpiReplicaSpecs.Worker.replicas"));
        Assert.Equal(new YamlPosition(14, 13), positions.Locate("spec.mpiReplicaSpecs[Worker].template.spec.containers[0].name"));
        Assert.Equal(new YamlPosition(13, 13), positions.Locate("spec.mpiReplicaSpecs[Worker].template.spec.containers[0].resources.limits"));
        Assert.Equal(new YamlPosition(7, 3), positions.Locate("spec.mpiReplicaSpecs[Launcher]"));
        Assert.Equal(new YamlPosition(5, 5), positions.Locate("metadata.annotations[kubempi.dev/transport]"));
        Assert.Equal(new YamlPosition(1, 1), positions.Locate(""));
    }

    [Fact]
    public void Anchors_aliases_and_merge_keys_work()
    {
        var root = One("""
            base: &base {a: 1, b: 2}
            more: &more {b: 3, c: 4}
            one: {b: 9, <<: *base}
            two: {<<: [*base, *more]}
            copy: *base
            """).Root;
        Assert.Equal("""{"b":9,"a":1}""", root["one"]!.ToJsonString());
        Assert.Equal("""{"a":1,"b":2,"c":4}""", root["two"]!.ToJsonString());
        Assert.Equal("""{"a":1,"b":2}""", root["copy"]!.ToJsonString());
    }

    [Fact]
    public void An_alias_bomb_is_refused()
    {
        var text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
        for (var i = 1; i < 12; i++) text += $"a{i}: &a{i} [{string.Join(",", Enumerable.Repeat($"*a{i - 1}", 10))}]\n";
        Assert.Contains("more than 250000 values", Assert.Throws<YamlSyntaxException>(() => Yaml.Read(text)).Message);
        Assert.Throws<YamlSyntaxException>(() => Yaml.Read(new string('[', 100_000)));
    }

    [Theory]
    [InlineData("a: 1\nb:\n  c: 1\n  c: 2\n", "line 4, column 3: key \"c\" stands twice (first at line 3, column 3)")]
    [InlineData("a: [1, 2\nb: 3\n", "line 2")]
    [InlineData("a:\n\t- b\n", "line 2 is indented by a tab")]
    [InlineData("a: b: c\n", "line 1, column 5")]
    [InlineData("- a\n", "line 1, column 1: a document must be an object")]
    [InlineData("a: *b\n", "line 1, column 4: alias *b names no anchor")]
    [InlineData("a: .inf\n", "line 1, column 4: .inf is no number")]
    [InlineData("~: 1\n", "a key must not be null")]
    [InlineData("? [a]\n: 1\n", "a key must be a plain word or text")]
    [InlineData("a: \"open\n", "line")]
    public void A_fault_is_named_with_its_line_and_column(string text, string message) =>
        Assert.Contains(message, Assert.Throws<YamlSyntaxException>(() => Yaml.Read(text)).Message);

    [Fact]
    public void Json_is_yaml() =>
        Assert.Equal("""{"kind":"A","a":[1,true,null,"\u00e4 \n\/"],"b":{"c":"d"}}""".Replace("\\u00e4", "\\u00E4").Replace("\\/", "/"),
            One("{\n\t\"kind\": \"A\",\n\t\"a\": [1, true, null, \"\\u00e4 \\n\\/\"],\r\n\t\"b\": {\"c\":\"d\"}\n}").Root.ToJsonString());

    [Fact]
    public void Writing_is_laid_out_as_kubectl_does()
    {
        var value = JsonElement.Parse("""
            {"kind":"Pod","metadata":{"labels":{},"name":"x","annotations":{"a/b":"yes"}},"spec":{"containers":[{"name":"a","command":["sh","-c","echo 1\necho 2\n"],"memory":"2Gi"},
            {"name":"b","cpu":"500m","ports":[]}],"mode":420,"t":"2026-01-01T00:00:00Z","ip":"10.0.0.1","n":"1"},"lists":[["a"],["b","c"]],"x":null}
            """);
        Assert.Equal("""
            kind: Pod
            metadata:
              labels: {}
              name: x
              annotations:
                a/b: "yes"
            spec:
              containers:
              - name: a
                command:
                - sh
                - -c
                - |
                  echo 1
                  echo 2
                memory: 2Gi
              - name: b
                cpu: 500m
                ports: []
              mode: 420
              t: "2026-01-01T00:00:00Z"
              ip: 10.0.0.1
              "n": "1"
            lists:
            - - a
            - - b
              - c
            x: null

            """, Yaml.Write(value));
    }

    [Fact]
    public void Broken_text_of_any_kind_is_a_syntax_error_and_nothing_else()
    {
        const string manifest = "a: &x [1, 2]\nb:\n  - \"c\": |-\n      t\n    d: {e: *x, 'f': ~}\n---\n<<: {g: !!str 1}\n# h\n? i\n: %j\n...\n";
        var edit = Gen.Choose(0, manifest.Length - 1).Zip(Gen.Elements("[]{}:,-?&*!|>'\"%@` \t\n#~<x1\0\ufeff\ud83d\\".ToCharArray())).Zip(Gen.Elements(true, false));
        Prop.ForAll(Gen.NonEmptyListOf(edit).ToArbitrary(), edits =>
        {
            var text = manifest;
            foreach (var ((at, with), insert) in edits)
            {
                var place = Math.Min(at, text.Length - 1);
                text = insert ? text.Insert(place, with.ToString()) : text.Remove(place, 1).Insert(place, with.ToString());
            }

            try
            {
                Yaml.Read(text);
            }
            catch (YamlSyntaxException fault)
            {
                return fault.Line >= 1 && fault.Column >= 0 && fault.Line <= text.Count(c => c is '\n' or '\r' or '\u0085' or '\u2028' or '\u2029') + 2;
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1500));
    }

    [Fact]
    public void What_is_written_reads_back()
    {
        var character = Gen.Elements("abyn019 :#-?,[]{}&*!|>'\"%@`~\\/=<_.+\n\n\t\r\u0085\u2028\ufeff\u00e4\ud83d\u0000\u007fxeE".ToCharArray());
        var text = Gen.OneOf(
            Gen.ListOf(character).Select(c => new string([.. c]).Replace("\ud83d", "\ud83d\ude00")),
            Gen.Elements("yes", "1e3", "0x1", "", "~", "null", "- a", "a: b", "a #b", "<<", "---", "...", "-", "--- a", "!!str", "1:30:00", "2001-01-01", "0b1", " a", "a ", "a\n", "\na", "a\n\n", "a\n b\n", "  a\nb", "a\n\n\nb", "#", "=", "-n", "./a", "%x", "é", "a\n \nb", "a\n\tb"));
        Prop.ForAll(text.Zip(text).ToArbitrary(), pair =>
        {
            var (key, value) = pair;
            var tree = new JsonObject { [key] = new JsonArray(value, new JsonObject { [value] = key }, new JsonArray(key)), ["next"] = value };
            var written = Yaml.Write(JsonElement.Parse(tree.ToUtf8()));
            Assert.True(JsonNode.DeepEquals(One(written).Root, tree), $"{tree.ToJsonString()}\n{written}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    private static YamlDocument One(string text) => Assert.Single(Yaml.Read(text));
}
