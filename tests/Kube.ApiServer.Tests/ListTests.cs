namespace Kube.ApiServer.Tests;

public sealed class ListTests : IDisposable
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private readonly TestServer _server = new(static o => o with { LogCapacity = 8 });

    public ListTests()
    {
        foreach (var name in new[] { "b", "a", "d", "c" }) Create("default", name, $"n={name}");
    }

    public void Dispose() => _server.Dispose();

    private Answer Create(string ns, string name, string label = "x=y")
    {
        var pair = label.Split('=');
        return _server.Post($"/api/v1/namespaces/{ns}/configmaps", $$$$"""{"metadata":{"name":"{{{{name}}}}","labels":{"{{{{pair[0]}}}}":"{{{{pair[1]}}}}"}}}""");
    }

    [Fact]
    public void A_list_is_in_order_of_namespace_and_name()
    {
        _server.Post("/api/v1/namespaces", """{"metadata":{"name":"default-2"}}""");
        Create("default-2", "a");
        // The minus sign stands before the slash that ends "default" in etcd's keys.
        Assert.Equal(["a", "a", "b", "c", "d"], CrudTests.Names(_server.Get("/api/v1/configmaps")));
        Assert.Equal("default-2", (string)_server.Get("/api/v1/configmaps").Object["items"]![0]!["metadata"]!["namespace"]!);
        Assert.Equal("ConfigMapList", (string)_server.Get(ConfigMaps).Object["kind"]!);
    }

    [Fact]
    public void Pages_show_one_state_whatever_is_written_between_them()
    {
        var first = _server.Get($"{ConfigMaps}?limit=2");
        Assert.Equal(["a", "b"], CrudTests.Names(first));
        Assert.Equal(2, (int)first.Object["metadata"]!["remainingItemCount"]!);
        _server.Delete($"{ConfigMaps}/c");
        Create("default", "cc");
        _server.Patch($"{ConfigMaps}/d", """{"data":{"k":"v"}}""");
        var second = _server.Get($"{ConfigMaps}?limit=2&continue={first.Object["metadata"]!["continue"]}");
        Assert.Equal(["c", "d"], CrudTests.Names(second));
        Assert.Null(second.Object["items"]![1]!["data"]);
        Assert.Equal(first.ResourceVersion, second.ResourceVersion);
        Assert.Null(second.Object["metadata"]!["continue"]);
    }

    [Fact]
    public void A_page_of_a_forgotten_state_expires_with_a_token_to_go_on()
    {
        var first = _server.Get($"{ConfigMaps}?limit=2");
        for (var i = 0; i < 10; i++) Create("default", $"e{i}");
        var expired = _server.Get($"{ConfigMaps}?limit=2&continue={first.Object["metadata"]!["continue"]}").Fails(410, "Expired", "The provided continue parameter is too old");
        Assert.Equal(["c", "d"], CrudTests.Names(_server.Get($"{ConfigMaps}?limit=2&continue={expired.Json["metadata"]!["continue"]}")));
        _server.Get($"{ConfigMaps}?continue=nonsense").Fails(400, "BadRequest", "continue key is not valid");
    }

    [Fact]
    public void An_exact_revision_shows_the_past_and_a_future_one_is_refused()
    {
        var before = _server.Get(ConfigMaps).ResourceVersion;
        Create("default", "e");
        Assert.Equal(["a", "b", "c", "d"], CrudTests.Names(_server.Get($"{ConfigMaps}?resourceVersion={before}&resourceVersionMatch=Exact")));
        Assert.Equal(5, CrudTests.Names(_server.Get($"{ConfigMaps}?resourceVersion={before}&resourceVersionMatch=NotOlderThan")).Count);
        _server.Get($"{ConfigMaps}?resourceVersion=9999").Fails(504, "Timeout", "Too large resource version: 9999");
        _server.Get($"{ConfigMaps}?resourceVersionMatch=Exact").Fails(422, "Invalid");
    }

    [Theory]
    [InlineData("resourceVersionMatch=Exact", "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided")]
    [InlineData("resourceVersion=0&resourceVersionMatch=Exact", "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"")]
    [InlineData("resourceVersion=5&resourceVersionMatch=Some", "resourceVersionMatch: Unsupported value: \"Some\": supported values: \"Exact\", \"NotOlderThan\", \"\"")]
    [InlineData("resourceVersion=5&resourceVersionMatch=Exact&continue=x", "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided")]
    [InlineData("sendInitialEvents=true", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list")]
    [InlineData("watch=1&sendInitialEvents=true", "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")]
    [InlineData("watch=1&resourceVersionMatch=NotOlderThan", "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")]
    [InlineData("watch=1&resourceVersionMatch=Exact&sendInitialEvents=true", "resourceVersionMatch: Unsupported value: \"Exact\": supported values: \"NotOlderThan\"")]
    public void Parameters_that_contradict_each_other_are_refused(string query, string fault) =>
        Assert.Contains(fault, (string)_server.Get($"{ConfigMaps}?{query}").Fails(422, "Invalid", "ListOptions.meta.k8s.io \"\" is invalid: ").Json["message"]!, StringComparison.Ordinal);

    [Fact]
    public void A_page_goes_on_at_its_own_revision_and_takes_no_other()
    {
        var next = _server.Get($"{ConfigMaps}?limit=2").Object["metadata"]!["continue"];
        _server.Get($"{ConfigMaps}?limit=2&resourceVersion=3&continue={next}").Fails(400, "BadRequest", "specifying resource version is not allowed when using continue");
    }

    [Theory]
    [InlineData("labelSelector=n%3Da", "a")]
    [InlineData("labelSelector=n+notin+(a,b)", "c,d")]
    [InlineData("fieldSelector=metadata.name%3Db", "b")]
    [InlineData("fieldSelector=metadata.name!%3Db&labelSelector=n!%3Da", "c,d")]
    public void Selectors_select(string query, string names) => Assert.Equal(names.Split(','), CrudTests.Names(_server.Get($"{ConfigMaps}?{query}")));

    [Fact]
    public void A_field_that_cannot_be_selected_by_is_refused() =>
        _server.Get($"{ConfigMaps}?fieldSelector=data.k%3Dv")
            .Fails(400, "BadRequest", "\"data.k\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");

    [Theory]
    [InlineData("/api/v1/pods", "field label not supported: data.k")]
    [InlineData("/apis/batch/v1/jobs", "field label \"data.k\" not supported for Job")]
    [InlineData("/apis/events.k8s.io/v1/events", "field label not supported: data.k")]
    public void Kinds_refuse_a_field_in_their_own_words(string path, string message) => _server.Get($"{path}?fieldSelector=data.k%3Dv").Fails(400, "BadRequest", message);


    [Fact]
    public void Metadata_alone_is_served_on_request()
    {
        var list = _server.Get(ConfigMaps, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").Object;
        Assert.Equal("PartialObjectMetadataList", (string)list["kind"]!);
        Assert.Equal("PartialObjectMetadata", (string)list["items"]![0]!["kind"]!);
        Assert.Equal(406, (int)_server.Get(ConfigMaps, "application/vnd.kubernetes.protobuf").Code);
    }
}
