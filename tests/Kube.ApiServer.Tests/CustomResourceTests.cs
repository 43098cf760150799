using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

public sealed class CustomResourceTests : IDisposable
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const string Widgets = "/apis/example.com/v1/namespaces/default/widgets";

    private const string Schema = """
        {"type":"object","properties":{
          "spec":{"type":"object","required":["size"],"properties":{
            "size":{"type":"integer","format":"int32","minimum":1,"maximum":9},
            "color":{"type":"string","enum":["red","blue"],"default":"red"},
            "name":{"type":"string","pattern":"^[a-z]+$","minLength":2,"maxLength":5,"nullable":true},
            "port":{"x-kubernetes-int-or-string":true},
            "tags":{"type":"array","maxItems":2,"x-kubernetes-list-type":"set","items":{"type":"string"}},
            "limits":{"type":"object","additionalProperties":{"type":"string"}},
            "inner":{"type":"object","properties":{"deep":{"type":"boolean","default":true}}},
            "template":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
            "one":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"oneOf":[{"required":["a"]},{"required":["b"]}]}}},
          "status":{"type":"object","properties":{"ready":{"type":"integer"},"selector":{"type":"string"}}}}}
        """;

    private readonly TestServer _server = new(static o => o with { Converters = o.Converters.Add("gadgets.example.com", Rename) });

    public CustomResourceTests() => Define();

    public void Dispose() => _server.Dispose();

    private void Define() => Assert.Equal(201, (int)_server.Post(Definitions, $$$"""
        {"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
         "names":{"plural":"widgets","kind":"Widget","shortNames":["w"]},
         "versions":[
          {"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{{{Schema}}}},
           "subresources":{"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.ready","labelSelectorPath":".status.selector"}},
           "additionalPrinterColumns":[{"name":"Size","type":"integer","jsonPath":".spec.size"}],
           "selectableFields":[{"jsonPath":".spec.color"}]},
          {"name":"v2","served":true,"storage":false,"schema":{"openAPIV3Schema":{{{Schema}}}}}]}}
        """).Code);

    private Answer Create(string spec, string query = "", string more = "") => _server.Post($"{Widgets}{query}", $$"""{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{{spec}}{{more}}}""");

    [Fact]
    public void A_definition_is_established_and_served_at_once()
    {
        var crd = _server.Get($"{Definitions}/widgets.example.com").Object;
        Assert.Equal(["NamesAccepted", "Established"], crd["status"]!["conditions"]!.AsArray().Select(static c => (string)c!["type"]!));
        Assert.Equal("widget", (string)crd["status"]!["acceptedNames"]!["singular"]!);
        Assert.Equal("WidgetList", (string)_server.Get(Widgets).Object["kind"]!);
        Assert.Equal("v1", (string)crd["status"]!["storedVersions"]![0]!);
    }

    [Theory]
    [InlineData("""{"name":"x.example.com"}""", "{}", "spec.group: Required value")]
    [InlineData("""{"name":"x.example.com"}""", """{"group":"example.com","scope":"Namespaced","names":{"plural":"y","kind":"Y"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}""", "must be spec.names.plural+\\\".\\\"+spec.group")]
    [InlineData("""{"name":"x.e.com"}""", """{"group":"e.com","scope":"Namespaced","names":{"plural":"x","kind":"X"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{}}}}}]}""", "spec.versions[0].schema.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields")]
    [InlineData("""{"name":"x.e.com"}""", """{"group":"e.com","scope":"Namespaced","names":{"plural":"x","kind":"X"},"versions":[{"name":"v1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}]}""", "must have exactly one version marked as storage version")]
    public void A_wrong_definition_is_refused(string meta, string spec, string message) =>
        _server.Post(Definitions, $$"""{"metadata":{{meta}},"spec":{{spec}}}""").Fails(422, "Invalid", message.Replace("\\", ""));

    [Fact]
    public void Defaults_fill_what_is_absent_within_what_is_there()
    {
        var spec = Create("""{"size":1,"inner":{}}""").Object["spec"]!;
        Assert.Equal("red", (string)spec["color"]!);
        Assert.True((bool)spec["inner"]!["deep"]!);
        Assert.Null(spec["limits"]);
    }

    [Fact]
    public void Unknown_members_are_pruned_warned_of_or_refused()
    {
        var spec = """{"size":1,"sise":2,"limits":{"any":"x"},"template":{"spec":{"anything":1}}}""";
        Create(spec, "?fieldValidation=Strict").Fails(400, "BadRequest", "strict decoding error: unknown field \"spec.sise\"");
        var made = Create(spec);
        Assert.Equal("""{"size":1,"limits":{"any":"x"},"template":{"spec":{"anything":1}},"color":"red"}""", made.Object["spec"]!.ToJsonString());
        Assert.Equal(["""299 - "unknown field \"spec.sise\"" """.TrimEnd()], made.Warnings);
    }

    [Theory]
    [InlineData("""{}""", "spec.size: Required value")]
    [InlineData("""{"size":"1"}""", "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"")]
    [InlineData("""{"size":0}""", "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1")]
    [InlineData("""{"size":10}""", "spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9")]
    [InlineData("""{"size":1,"color":"green"}""", "spec.color: Unsupported value: \"green\": supported values: \"red\", \"blue\"")]
    [InlineData("""{"size":1,"name":"AB"}""", "spec.name: Invalid value: \"AB\": spec.name in body should match '^[a-z]+$'")]
    [InlineData("""{"size":1,"name":"a"}""", "spec.name in body should be at least 2 chars long")]
    [InlineData("""{"size":1,"name":"abcdef"}""", "spec.name: Too long: may not be more than 5 bytes")]
    [InlineData("""{"size":1,"tags":["a","b","c"]}""", "spec.tags: Too many: 3: must have at most 2 items")]
    [InlineData("""{"size":1,"tags":["a","a"]}""", "spec.tags[1]: Duplicate value: \"a\"")]
    [InlineData("""{"size":1,"limits":{"a":1}}""", "spec.limits.a: Invalid value: \"integer\"")]
    [InlineData("""{"size":1,"port":true}""", "spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"")]
    [InlineData("""{"size":1,"one":{"a":"x","b":"y"}}""", "must validate one and only one schema (oneOf). Found 2 valid")]
    public void A_value_against_the_schema_is_refused_with_its_path(string spec, string message) => Create(spec).Fails(422, "Invalid", message);

    [Theory]
    [InlineData("""{"size":1,"port":"http","name":null}""")]
    [InlineData("""{"size":9,"port":80,"one":{"a":"x"}}""")]
    public void A_value_within_the_schema_is_taken(string spec) => Assert.Equal(201, (int)Create(spec).Code);

    [Fact]
    public void A_stored_fault_stays_writable_until_it_is_touched()
    {
        Create("""{"size":9}""");
        _server.Patch($"{Definitions}/widgets.example.com", """[{"op":"replace","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/maximum","value":5}]""", "application/json-patch+json");
        Assert.Equal("blue", (string)_server.Patch($"{Widgets}/w", """{"spec":{"color":"blue"}}""").Object["spec"]!["color"]!);
        _server.Patch($"{Widgets}/w", """{"spec":{"size":8}}""").Fails(422, "Invalid", "should be less than or equal to 5");
    }

    [Fact]
    public void Status_and_spec_are_written_apart_and_only_the_spec_counts_generations()
    {
        Assert.Null(Create("""{"size":1}""", more: ""","status":{"ready":1}""").Object["status"]);
        var status = _server.Patch($"{Widgets}/w/status", """{"spec":{"size":2},"status":{"ready":1},"metadata":{"labels":{"a":"b"}}}""").Object;
        Assert.Equal(1, (int)status["status"]!["ready"]!);
        Assert.Equal(1, (int)status["spec"]!["size"]!);
        Assert.Null(status["metadata"]!["labels"]);
        Assert.Equal(1, (int)status["metadata"]!["generation"]!);
        var spec = _server.Patch($"{Widgets}/w", """{"spec":{"size":2},"status":{"ready":5}}""").Object;
        Assert.Equal(2, (int)spec["metadata"]!["generation"]!);
        Assert.Equal(1, (int)spec["status"]!["ready"]!);
        Assert.Equal(2, (int)_server.Patch($"{Widgets}/w", """{"metadata":{"labels":{"a":"b"}}}""").Object["metadata"]!["generation"]!);
    }

    [Fact]
    public void An_update_must_say_what_it_has_seen()
    {
        var made = Create("""{"size":1}""").Object;
        made["metadata"]!.AsObject().Remove("resourceVersion");
        _server.Put($"{Widgets}/w", made).Fails(422, "Invalid", "metadata.resourceVersion: Invalid value");
        Assert.Equal(415, (int)_server.Patch($"{Widgets}/w", "{}", "application/strategic-merge-patch+json").Code);
    }

    [Fact]
    public void The_scale_subresource_follows_its_paths()
    {
        Create("""{"size":1}""");
        _server.Patch($"{Widgets}/w/status", """{"status":{"ready":1,"selector":"a=b"}}""");
        Assert.Equal("""{"replicas":1,"selector":"a=b"}""", _server.Get($"{Widgets}/w/scale").Object["status"]!.ToJsonString());
        _server.Patch($"{Widgets}/w/scale", """{"spec":{"replicas":3}}""");
        Assert.Equal(3, (int)_server.Get($"{Widgets}/w").Object["spec"]!["size"]!);
        _server.Patch($"{Widgets}/w/scale", """{"spec":{"replicas":30}}""").Fails(422, "Invalid", "should be less than or equal to 9");
    }

    [Fact]
    public void Objects_are_selected_by_the_fields_that_the_definition_names()
    {
        Create("""{"size":1,"color":"blue"}""");
        Assert.Equal(["w"], CrudTests.Names(_server.Get($"{Widgets}?fieldSelector=spec.color%3Dblue")));
        Assert.Empty(CrudTests.Names(_server.Get($"{Widgets}?fieldSelector=spec.color%3Dred")));
    }

    [Fact]
    public void Versions_show_the_same_objects()
    {
        Create("""{"size":1}""");
        var other = _server.Get(Widgets.Replace("/v1/", "/v2/") + "/w").Object;
        Assert.Equal("example.com/v2", (string)other["apiVersion"]!);
        other["spec"]!["size"] = 2;
        Assert.Equal("example.com/v2", (string)_server.Put(Widgets.Replace("/v1/", "/v2/") + "/w", other).Object["apiVersion"]!);
        Assert.Equal("example.com/v1", (string)_server.Get($"{Widgets}/w").Object["apiVersion"]!);
        Assert.Equal(2, (int)_server.Get($"{Widgets}/w").Object["spec"]!["size"]!);
    }

    [Fact]
    public void A_conversion_given_at_composition_turns_versions_into_each_other()
    {
        _server.Post(Definitions, """
            {"metadata":{"name":"gadgets.example.com"},"spec":{"group":"example.com","scope":"Cluster","names":{"plural":"gadgets","kind":"Gadget"},
             "versions":[{"name":"v2","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"new":{"type":"string"}}}}},
                         {"name":"v1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object","properties":{"old":{"type":"string"}}}}}]}}
            """);
        using var watch = _server.Watch("/apis/example.com/v1/gadgets?watch=1");
        // What is only tried has no revision, in no version.
        var tried = _server.Post("/apis/example.com/v1/gadgets?dryRun=All&fieldManager=me", """{"metadata":{"name":"g"},"old":"x"}""").Object;
        Assert.Equal(("x", "example.com/v1", "me"), ((string)tried["old"]!, (string)tried["apiVersion"]!, (string)tried["metadata"]!["managedFields"]![0]!["manager"]!));
        Assert.Null(tried["metadata"]!["resourceVersion"]);
        Assert.Equal("x", (string)_server.Post("/apis/example.com/v1/gadgets", """{"metadata":{"name":"g"},"old":"x"}""").Object["old"]!);
        Assert.Equal("x", (string)_server.Get("/apis/example.com/v2/gadgets/g").Object["new"]!);
        Assert.Equal("y", (string)_server.Patch("/apis/example.com/v2/gadgets/g", """{"new":"y"}""").Object["new"]!);
        Assert.Equal("y", (string)_server.Get("/apis/example.com/v1/gadgets").Object["items"]![0]!["old"]!);
        Assert.Equal(["x", "y"], watch.Events.ConvertAll(static e => (string)e["object"]!["old"]!));
    }

    /// <summary>As kube-apiserver defaults what it reads from its store.</summary>
    [Fact]
    public void What_is_written_in_another_version_has_the_defaults_of_the_stored_one_and_a_status_does_not_count_as_a_generation()
    {
        _server.Post(Definitions, """
            {"metadata":{"name":"gauges.example.com"},"spec":{"group":"example.com","scope":"Cluster","names":{"plural":"gauges","kind":"Gauge"},
             "versions":[{"name":"v2","served":true,"storage":true,"subresources":{"status":{}},"schema":{"openAPIV3Schema":{"type":"object","properties":{
                            "spec":{"type":"object","properties":{"unit":{"type":"string","default":"m"}}},"status":{"type":"object","properties":{"ready":{"type":"boolean"}}}}}}},
                         {"name":"v1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
            """);
        _server.Post("/apis/example.com/v1/gauges", """{"apiVersion":"example.com/v1","kind":"Gauge","metadata":{"name":"g"},"spec":{}}""");

        Assert.Equal("m", (string)_server.Get("/apis/example.com/v2/gauges/g").Object["spec"]!["unit"]!);
        Assert.Equal(1, (int)_server.Patch("/apis/example.com/v2/gauges/g/status", """{"status":{"ready":true}}""").Object["metadata"]!["generation"]!);

        // A default that a later definition brings is stored by the next write, and is nobody's change of what is wanted.
        var definition = _server.Get($"{Definitions}/gauges.example.com").Object;
        definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!["properties"]!["scale"] = JsonNode.Parse("""{"type":"integer","default":10}""");
        Assert.Equal(200, (int)_server.Put($"{Definitions}/gauges.example.com", definition.ToJsonString()).Code);
        var gauge = _server.Patch("/apis/example.com/v2/gauges/g/status", """{"status":{"ready":false}}""").Object;
        Assert.Equal((10, 1), ((int)gauge["spec"]!["scale"]!, (int)gauge["metadata"]!["generation"]!));
    }

    private static JsonObject Rename(JsonObject obj, string apiVersion)
    {
        var (from, to) = apiVersion == "example.com/v2" ? ("old", "new") : ("new", "old");
        var value = obj[from]?.DeepClone();
        obj.Remove(from);
        obj[to] = value;
        obj["apiVersion"] = apiVersion;
        return obj;
    }

    /// <summary>Statuses and words as recorded at kube-apiserver 1.35.5.</summary>
    [Fact]
    public void A_definition_gets_no_name_that_another_of_its_group_bears_and_is_served_once_it_has_them_all()
    {
        DefineNames("as", "A", "a", "aa", "ab");
        Assert.Equal(("True NoConflicts no conflicts found", "True InitialNamesAccepted the initial names have been accepted"), State(DefineNames("es", "E", "e", "ee")));
        var shortNames = DefineNames("ds", "D", "a", "bb", "as", "ab");
        Assert.Equal(("False ShortNamesConflict [\"as\" is already in use, \"ab\" is already in use]", "False NotAccepted not all names are accepted"), State(shortNames));
        Assert.Equal("""{"plural":"ds","kind":"D","listKind":"DList"}""", shortNames["status"]!["acceptedNames"]!.ToJsonString());
        var kind = DefineNames("cs", "A", "c", "c1");
        Assert.Equal("False ListKindConflict \"AList\" is already in use", State(kind).Names);
        Assert.Equal("""{"plural":"cs","kind":"","singular":"c","shortNames":["c1"]}""", kind["status"]!["acceptedNames"]!.ToJsonString());
        _server.Get("/apis/names.example.com/v1/cs").Fails404();

        // What is served stays so under the names that it has.
        var more = _server.Patch($"{Definitions}/es.names.example.com", """{"spec":{"names":{"shortNames":["ee","aa"]}}}""").Object;
        Assert.Equal(("False ShortNamesConflict \"aa\" is already in use", "True InitialNamesAccepted the initial names have been accepted"), State(more));
        Assert.Equal("""["ee"]""", Listed("es")!["shortNames"]!.ToJsonString());

        _server.Delete($"{Definitions}/as.names.example.com");
        foreach (var name in new[] { "cs", "ds", "es" }) Assert.Equal("True NoConflicts no conflicts found", State(_server.Get($"{Definitions}/{name}.names.example.com").Object).Names);
        Assert.Equal(200, (int)_server.Get("/apis/names.example.com/v1/cs").Code);
        Assert.Equal("""["ee","aa"]""", Listed("es")!["shortNames"]!.ToJsonString());

        JsonObject DefineNames(string plural, string kind, string singular, params string[] shortNames) => _server.Post(Definitions, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{plural}.names.example.com" },
            ["spec"] = new JsonObject
            {
                ["group"] = "names.example.com", ["scope"] = "Cluster",
                ["names"] = new JsonObject { ["plural"] = plural, ["kind"] = kind, ["singular"] = singular, ["shortNames"] = new JsonArray([.. shortNames.Select(static s => (JsonNode)s)]) },
                ["versions"] = new JsonArray(new JsonObject { ["name"] = "v1", ["served"] = true, ["storage"] = true, ["schema"] = new JsonObject { ["openAPIV3Schema"] = new JsonObject { ["type"] = "object" } } }),
            },
        }.ToJsonString()).Object;

        JsonNode? Listed(string plural) => _server.Get("/apis/names.example.com/v1").Object["resources"]!.AsArray().FirstOrDefault(r => r.Text("name") == plural);

        static (string Names, string Established) State(JsonObject crd)
        {
            var conditions = crd["status"]!["conditions"]!.AsArray().ToDictionary(static c => c.Text("type")!, static c => $"{c.Text("status")} {c.Text("reason")} {c.Text("message")}", StringComparer.Ordinal);
            return (conditions["NamesAccepted"], conditions["Established"]);
        }
    }

    [Fact]
    public void A_deleted_definition_takes_its_objects_with_it()
    {
        Create("""{"size":1}""");
        using var watch = _server.Watch($"{Widgets}?watch=1");
        _server.Delete($"{Definitions}/widgets.example.com");
        _server.Get($"{Definitions}/widgets.example.com").Fails(404, "NotFound");
        Assert.Equal(404, (int)_server.Get(Widgets).Code);
        Assert.Equal(["ADDED w", "DELETED w"], watch.Lines);
        Assert.True(watch.Reading.IsCompletedSuccessfully);
        Define();
        Assert.Empty(CrudTests.Names(_server.Get(Widgets)));
    }

    [Fact]
    public void A_finalizer_on_an_object_holds_its_definition()
    {
        _server.Post(Widgets, """{"metadata":{"name":"w","finalizers":["example.com/x"]},"spec":{"size":1}}""");
        Assert.NotNull(_server.Delete($"{Definitions}/widgets.example.com").Object["metadata"]!["deletionTimestamp"]);
        _server.Post(Widgets, """{"metadata":{"name":"v"},"spec":{"size":1}}""").Fails(405, "MethodNotAllowed", "create not allowed while custom resource definition is terminating");
        _server.Patch($"{Widgets}/w", """{"metadata":{"finalizers":null}}""");
        _server.Get($"{Definitions}/widgets.example.com").Fails(404, "NotFound");
    }
}
