using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

/// <summary>Server-side apply.</summary>
public sealed class ApplyTests : IDisposable
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private const string Sets = "/apis/apps/v1/namespaces/default/statefulsets";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public void What_is_not_there_is_created_and_then_belongs_to_the_applier()
    {
        var made = _server.Apply($"{Maps}/a", "me", Map("k: v"));
        Assert.Equal(201, (int)made.Code);
        var owner = made.Object["metadata"]!["managedFields"]!.AsArray().Single()!;
        Assert.Equal(("me", "Apply", """{"f:data":{"f:k":{}}}"""), (owner.Text("manager"), owner.Text("operation"), owner["fieldsV1"]!.Written()));
        Assert.Equal(200, (int)_server.Apply($"{Maps}/a", "me", Map("k: w")).Code);
    }

    [Fact]
    public void Applying_the_same_again_changes_nothing()
    {
        var before = _server.Apply($"{Maps}/a", "me", Map("k: v")).Text;
        _server.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(before, _server.Apply($"{Maps}/a", "me", Map("k: v")).Text);
    }

    [Fact]
    public void What_others_own_is_not_changed_unless_it_is_forced()
    {
        _server.Post($"{Maps}?fieldManager=kubectl-client-side-apply", """{"metadata":{"name":"a"},"data":{"k":"v","l":"w"}}""");
        var refused = _server.Apply($"{Maps}/a", "me", Map("k: z"))
            .Fails(409, "Conflict", "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .data.k");
        var cause = refused.Json.At("details", "causes")!.AsArray().Single()!;
        Assert.Equal(("FieldManagerConflict", "conflict with \"kubectl-client-side-apply\" using v1", ".data.k"), (cause.Text("reason"), cause.Text("message"), cause.Text("field")));
        _server.Apply($"{Maps}/a", "me", Map("k: z, l: z")).Fails(409, "Conflict", "Apply failed with 2 conflicts: conflicts with \"kubectl-client-side-apply\" using v1:\n- .data.k\n- .data.l");

        Assert.Equal("""{"k":"z","l":"w"}""", _server.Apply($"{Maps}/a", "me", Map("k: z"), force: true).Object["data"]!.ToJsonString());
        _server.Apply($"{Maps}/a", "other", Map("k: x")).Fails(409, "Conflict", "Apply failed with 1 conflict: conflict with \"me\": .data.k");
    }

    [Fact]
    public void What_an_applier_no_longer_names_goes_unless_somebody_else_owns_it()
    {
        _server.Apply($"{Maps}/a", "me", Map("mine: '1', shared: '2'"));
        _server.Apply($"{Maps}/a", "other", Map("shared: '2'"));
        _server.Patch($"{Maps}/a?fieldManager=third", """{"data":{"third":"3"}}""");
        Assert.Equal("""{"shared":"2","third":"3"}""", _server.Apply($"{Maps}/a", "me", Map("")).Object["data"]!.ToJsonString());
        Assert.Equal("""{"third":"3"}""", _server.Apply($"{Maps}/a", "other", Map("")).Object["data"]!.ToJsonString());
    }

    [Fact]
    public void Lists_of_keyed_items_merge_and_keys_have_their_defaults()
    {
        _server.Post($"{Sets}?fieldManager=first", Set("""[{"name":"c","image":"i","env":[{"name":"A","value":"1"}],"ports":[{"containerPort":80}],"args":["x"]}]"""));
        var merged = _server.Apply($"{Sets}/s", "me", Applied("""[{"name":"sidecar","image":"j"},{"name":"c","env":[{"name":"B","value":"2"}],"ports":[{"containerPort":80,"name":"web"},{"containerPort":80,"protocol":"UDP"}]}]""")).Object;
        var containers = merged["spec"]!["template"]!["spec"]!["containers"]!.AsArray();
        Assert.Equal(["sidecar", "c"], containers.Select(static c => c.Text("name")));
        Assert.Equal(["A", "B"], containers[1]!["env"]!.AsArray().Select(static e => e.Text("name")));
        Assert.Equal(["TCP web", "UDP "], containers[1]!["ports"]!.AsArray().Select(static p => $"{p.Text("protocol")} {p.Text("name")}"));
        Assert.Equal("i", containers[1].Text("image"));

        var without = _server.Apply($"{Sets}/s", "me", Applied("""[{"name":"c"}]""")).Object["spec"]!["template"]!["spec"]!["containers"]!.AsArray();
        Assert.Equal(["A"], without.Single()!["env"]!.AsArray().Select(static e => e.Text("name")));
    }

    /// <summary>As recorded at kube-apiserver 1.35.5.</summary>
    [Fact]
    public void A_map_that_its_author_empties_stays_and_a_list_goes_with_its_items()
    {
        _server.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """{"metadata":{"name":"things.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"map":{"type":"object","additionalProperties":{"type":"string"}},"set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}}}}}}}]}}""");
        const string things = "/apis/example.com/v1/namespaces/default/things";
        Assert.Equal("""{"map":{},"set":[]}""", Spec(_server.Post($"{things}?fieldManager=maker", """{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"t"},"spec":{"map":{},"set":[]}}""")));
        Assert.Equal("""{"map":{"a":"1"},"set":["x"]}""", Spec(Apply("""{"map":{"a":"1"},"set":["x"]}""")));
        Assert.Equal("""{"map":{}}""", Spec(Apply("""{"map":{},"set":[]}""")));
        Assert.Equal("""{"map":{},"set":[]}""", Spec(Apply("""{"map":{},"set":[]}""")));

        Answer Apply(string spec) => _server.Apply($"{things}/t", "me", $$"""{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"t"},"spec":{{spec}}}""");
        static string Spec(Answer answer) => answer.Object["spec"]!.Written();
    }

    [Fact]
    public void A_configuration_must_be_of_its_kind_and_of_its_type()
    {
        _server.Apply($"{Maps}/a", "", Map("k: v")).Fails(422, "Invalid", "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch");
        _server.Apply($"{Maps}/a", "me", "{apiVersion: v1, kind: Secret, metadata: {name: a}}").Fails(400, "BadRequest", "invalid object type: /v1, Kind=Secret");
        _server.Apply($"{Maps}/a", "me", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, managedFields: []}}").Fails(400, "BadRequest", "metadata.managedFields must be nil");
        _server.Apply($"{Maps}/a", "me", "{apiVersion: v1, kind: ConfigMap}").Fails(400, "BadRequest", "the name of the object (a based on URL) was undeterminable: name must be provided");
        _server.Apply($"{Maps}/a", "me", Map("k: 1")).Fails(500, "", "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.k: expected string, got &value.valueUnstructured{Value:1}");
        _server.Apply($"{Sets}/s", "me", Applied("""[{"name":"c","imagee":"i"},{"name":"d"},{"name":"d"}]"""))
            .Fails(500, "", "(/s; apps/v1, Kind=StatefulSet): errors:\n  .spec.template.spec.containers[name=\"c\"].imagee: field not declared in schema\n  .spec.template.spec.containers: duplicate entries for key [name=\"d\"]");
        _server.Patch($"{Maps}/a?force=true", "{}").Fails(422, "Invalid", "force: Forbidden: may not be specified for non-apply patch");
    }

    [Fact]
    public void A_dry_run_shows_what_would_be_and_stores_nothing()
    {
        var shown = _server.Send("PATCH", $"{Maps}/a?fieldManager=me&dryRun=All", Map("k: v"), "application/apply-patch+yaml");
        Assert.Equal(201, (int)shown.Code);
        Assert.NotNull(shown.Object["metadata"]!["managedFields"]);
        _server.Get($"{Maps}/a").Fails(404, "NotFound");
    }

    [Fact]
    public void A_status_is_applied_apart_and_its_applier_owns_nothing_else()
    {
        _server.Post("/api/v1/namespaces/default/pods", """{"kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        var applied = _server.Apply("/api/v1/namespaces/default/pods/p/status", "me", """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"nodeName":"x"},"status":{"conditions":[{"type":"Mine","status":"True"}]}}""").Object;
        Assert.Null(applied["spec"]!["nodeName"]);
        var owner = applied["metadata"]!["managedFields"]!.AsArray().Single(static o => o.Text("manager") == "me")!;
        Assert.Equal(("status", """{"f:status":{"f:conditions":{"k:{\"type\":\"Mine\"}":{".":{},"f:status":{},"f:type":{}}}}}"""), (owner.Text("subresource"), owner["fieldsV1"]!.Written()));
    }

    [Fact]
    public void A_scale_is_applied_and_owned_where_the_number_stands()
    {
        _server.Post($"{Sets}?fieldManager=first", Set("""[{"name":"c","image":"i"}]"""));
        const string scale = """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"s"},"spec":{"replicas":3}}""";
        _server.Apply($"{Sets}/s/scale", "scaler", scale).Fails(409, "Conflict", "conflict with \"first\" using autoscaling/v1: .spec.replicas");
        Assert.Equal(3, (long)_server.Apply($"{Sets}/s/scale", "scaler", scale, force: true).Object["spec"]!["replicas"]!);
        var set = _server.Get($"{Sets}/s").Object;
        Assert.Equal(3, (long)set["spec"]!["replicas"]!);
        var owner = set["metadata"]!["managedFields"]!.AsArray().Single(static o => o.Text("manager") == "scaler")!;
        Assert.Equal(("scale", "apps/v1", """{"f:spec":{"f:replicas":{}}}"""), (owner.Text("subresource"), owner.Text("apiVersion"), owner["fieldsV1"]!.Written()));
        _server.Apply($"{Sets}/s/scale", "scaler", """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"s"},"spec":{"size":3}}""").Fails(500, "", ".spec.size: field not declared in schema");
    }

    [Fact]
    public void Kubectls_first_server_side_apply_takes_what_its_annotation_says_is_its_own()
    {
        const string last = """{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}""";
        _server.Post($"{Maps}?fieldManager=kubectl-client-side-apply", $$$"""{"metadata":{"name":"a","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{{{last}}}"}},"data":{"k":"v","l":"w"}}""");
        _server.Apply($"{Maps}/a", "other", Map("k: z")).Fails(409, "Conflict");
        _server.Apply($"{Maps}/a", "kubectl", Map("k: z, l: z")).Fails(409, "Conflict", "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .data.l");
        var applied = _server.Apply($"{Maps}/a", "kubectl", Map("k: z")).Object;
        Assert.Equal("z", applied["data"].Text("k"));
        Assert.Equal("""{"apiVersion":"v1","data":{"k":"z"},"kind":"ConfigMap","metadata":{"name":"a"}}""" + "\n", applied["metadata"]!["annotations"].Text("kubectl.kubernetes.io/last-applied-configuration"));
    }

    private static string Map(string data) => $"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{{data}}}\n";

    private static string Set(string containers) =>
        $$$"""{"metadata":{"name":"s"},"spec":{"serviceName":"s","selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":{{{containers}}} } } } }""";

    private static string Applied(string containers) =>
        $$$"""{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"s"},"spec":{"template":{"spec":{"containers":{{{containers}}} } } } }""";
}
