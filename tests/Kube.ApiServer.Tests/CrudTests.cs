namespace Kube.ApiServer.Tests;

public sealed class CrudTests : IDisposable
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    private static string Named(string name, string more = "") => $$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{name}}"}{{more}}}""";

    [Fact]
    public void A_created_object_has_uid_time_namespace_and_revision()
    {
        var made = _server.Post(ConfigMaps, Named("a", ""","data":{"k":"v"}"""));
        Assert.Equal(201, (int)made.Code);
        var meta = made.Object["metadata"]!;
        Assert.Equal("default", (string)meta["namespace"]!);
        Assert.Equal("2026-03-01T09:00:00Z", (string)meta["creationTimestamp"]!);
        Assert.Equal(36, ((string)meta["uid"]!).Length);
        Assert.Equal(made.Text, _server.Get($"{ConfigMaps}/a").Text);
    }

    [Fact]
    public void The_same_requests_from_the_same_seed_give_the_same_bytes()
    {
        using var other = new TestServer();
        var body = """{"metadata":{"generateName":"x-"}}""";
        Assert.Equal(_server.Post(ConfigMaps, body).Text, other.Post(ConfigMaps, body).Text);
    }

    [Fact]
    public void A_second_creation_conflicts_and_a_generated_name_does_not()
    {
        _server.Post(ConfigMaps, Named("a"));
        _server.Post(ConfigMaps, Named("a")).Fails(409, "AlreadyExists", "configmaps \"a\" already exists");
        var generated = """{"metadata":{"generateName":"g-"}}""";
        Assert.NotEqual((string)_server.Post(ConfigMaps, generated).Object["metadata"]!["name"]!, (string)_server.Post(ConfigMaps, generated).Object["metadata"]!["name"]!);
    }

    [Fact]
    public void An_object_needs_a_name_and_a_namespace_that_exists()
    {
        _server.Post(ConfigMaps, "{}").Fails(422, "Invalid", "metadata.name: Required value: name or generateName is required");
        _server.Post("/api/v1/namespaces/none/configmaps", Named("a")).Fails(404, "NotFound", "namespaces \"none\" not found");
        _server.Post(ConfigMaps, Named("A_b")).Fails(422, "Invalid", "a lowercase RFC 1123 subdomain must consist of");
    }

    [Fact]
    public void A_write_from_an_old_view_conflicts_and_one_without_a_view_overwrites()
    {
        var old = _server.Post(ConfigMaps, Named("a")).Object;
        _server.Patch($"{ConfigMaps}/a", """{"data":{"k":"v"}}""");
        _server.Put($"{ConfigMaps}/a", old).Fails(409, "Conflict", "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again");
        Assert.Null(_server.Put($"{ConfigMaps}/a", Named("a")).Object["data"]);
    }

    [Fact]
    public void A_write_that_changes_nothing_makes_no_revision()
    {
        var made = _server.Post(ConfigMaps, Named("a", ""","data":{"k":"v"}"""));
        Assert.Equal(made.ResourceVersion, _server.Patch($"{ConfigMaps}/a", """{"data":{"k":"v"}}""").ResourceVersion);
        Assert.NotEqual(made.ResourceVersion, _server.Patch($"{ConfigMaps}/a", """{"data":{"k":"w"}}""").ResourceVersion);
    }

    [Fact]
    public void An_update_keeps_what_only_the_server_sets()
    {
        var made = _server.Post(ConfigMaps, Named("a")).Object;
        var put = _server.Put($"{ConfigMaps}/a", """{"metadata":{"name":"a","creationTimestamp":"1999-01-01T00:00:00Z","labels":{"x":"y"}}}""").Object;
        Assert.Equal((string)made["metadata"]!["uid"]!, (string)put["metadata"]!["uid"]!);
        Assert.Equal((string)made["metadata"]!["creationTimestamp"]!, (string)put["metadata"]!["creationTimestamp"]!);
        _server.Put($"{ConfigMaps}/a", """{"metadata":{"name":"a","uid":"other"}}""").Fails(409, "Conflict", "Precondition failed: UID in precondition: other");
    }

    [Fact]
    public void The_three_kinds_of_patch_apply()
    {
        _server.Post(ConfigMaps, Named("a", ""","data":{"k":"v","l":"w"}"""));
        Assert.Equal("""{"k":"x"}""", _server.Patch($"{ConfigMaps}/a", """{"data":{"k":"x","l":null}}""").Object["data"]!.ToJsonString());
        Assert.Equal("""{"k":"x","m":"1"}""", _server.Patch($"{ConfigMaps}/a", """[{"op":"add","path":"/data/m","value":"1"}]""", "application/json-patch+json").Object["data"]!.ToJsonString());
        Assert.Equal("""{"k":"x"}""", _server.Patch($"{ConfigMaps}/a", """{"data":{"m":null}}""", "application/strategic-merge-patch+json").Object["data"]!.ToJsonString());
        Assert.Equal(415, (int)_server.Patch($"{ConfigMaps}/a", "{}", "text/plain").Code);
    }

    [Fact]
    public void Deletion_answers_with_a_status_and_honours_preconditions()
    {
        var made = _server.Post(ConfigMaps, Named("a")).Object;
        _server.Delete($"{ConfigMaps}/a", """{"preconditions":{"uid":"other"}}""").Fails(409, "Conflict");
        _server.Delete($"{ConfigMaps}/a", """{"preconditions":{"resourceVersion":"1"}}""").Fails(409, "Conflict");
        var deleted = _server.Delete($"{ConfigMaps}/a").Object;
        Assert.Equal("Success", (string)deleted["status"]!);
        Assert.Equal((string)made["metadata"]!["uid"]!, (string)deleted["details"]!["uid"]!);
        _server.Get($"{ConfigMaps}/a").Fails(404, "NotFound", "configmaps \"a\" not found");
    }

    [Fact]
    public void A_finalizer_holds_a_deleted_object_until_it_is_removed()
    {
        _server.Post(ConfigMaps, """{"metadata":{"name":"a","finalizers":["example.com/x"]}}""");
        using var watch = _server.Watch($"{ConfigMaps}?watch=1");
        Assert.NotNull(_server.Delete($"{ConfigMaps}/a").Object["metadata"]!["deletionTimestamp"]);
        _server.Patch($"{ConfigMaps}/a", """{"metadata":{"finalizers":["example.com/x","example.com/y"]}}""").Fails(422, "Invalid", "no new finalizers can be added");
        _server.Patch($"{ConfigMaps}/a", """{"metadata":{"finalizers":null}}""");
        _server.Get($"{ConfigMaps}/a").Fails(404, "NotFound");
        Assert.Equal(["ADDED a", "MODIFIED a", "DELETED a"], watch.Lines);
    }

    [Theory]
    [InlineData("Foreground", "foregroundDeletion")]
    [InlineData("Orphan", "orphan")]
    public void Propagation_is_left_to_the_garbage_collector_by_a_finalizer(string policy, string finalizer)
    {
        _server.Post(ConfigMaps, Named("a"));
        var held = _server.Delete($"{ConfigMaps}/a", $$"""{"propagationPolicy":"{{policy}}"}""").Object;
        Assert.Equal(finalizer, (string)held["metadata"]!["finalizers"]![0]!);
        Assert.Equal("Success", (string)_server.Delete($"{ConfigMaps}/a", """{"propagationPolicy":"Background"}""").Object["status"]!);
    }

    [Fact]
    public void A_collection_is_deleted_by_selector()
    {
        foreach (var name in new[] { "a", "b", "c" }) _server.Post(ConfigMaps, $$$$"""{"metadata":{"name":"{{{{name}}}}","labels":{"n":"{{{{name}}}}"}}}""");
        _server.Delete($"{ConfigMaps}?labelSelector=n+in+(a,b)");
        Assert.Equal(["c"], Names(_server.Get(ConfigMaps)));
    }

    [Fact]
    public void A_dry_run_answers_and_stores_nothing()
    {
        Assert.Equal(201, (int)_server.Post($"{ConfigMaps}?dryRun=All", Named("a")).Code);
        _server.Get($"{ConfigMaps}/a").Fails(404, "NotFound");
        var made = _server.Post(ConfigMaps, Named("a"));
        Assert.Equal("w", (string)_server.Patch($"{ConfigMaps}/a?dryRun=All", """{"data":{"k":"w"}}""").Object["data"]!["k"]!);
        _server.Delete($"{ConfigMaps}/a?dryRun=All");
        Assert.Equal(made.Text, _server.Get($"{ConfigMaps}/a").Text);
    }

    [Fact]
    public void Duplicate_members_are_warned_of_or_refused()
    {
        var body = """{"metadata":{"name":"a"},"data":{"k":"1","k":"2"}}""";
        _server.Post($"{ConfigMaps}?fieldValidation=Strict", body).Fails(400, "BadRequest", "strict decoding error: duplicate field \"data.k\"");
        var made = _server.Post(ConfigMaps, body);
        Assert.Equal("2", (string)made.Object["data"]!["k"]!);
        Assert.Equal(["""299 - "duplicate field \"data.k\"" """.TrimEnd()], made.Warnings);
    }

    [Fact]
    public void What_is_not_served_is_not_found()
    {
        Assert.Equal("404 page not found\n", _server.Get("/apis/none/v1/things").Text);
        Assert.Equal(404, (int)_server.Get("/api/v1/pods/a").Code);
        _server.Post($"{ConfigMaps}/a", "{}").Fails(405, "MethodNotAllowed");
        _server.Post(ConfigMaps, "{").Fails(400, "BadRequest");
        _server.Post(ConfigMaps, """{"kind":"Secret"}""").Fails(400, "BadRequest");
    }

    internal static List<string> Names(Answer list) => [.. list.Object["items"]!.AsArray().Select(static i => (string)i!["metadata"]!["name"]!)];
}
