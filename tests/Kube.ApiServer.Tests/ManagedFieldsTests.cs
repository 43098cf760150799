using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

/// <summary>Who owns what after creates, updates and patches.</summary>
public sealed class ManagedFieldsTests : IDisposable
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public void A_creator_owns_what_it_said_and_nothing_that_the_server_added()
    {
        _server.Post("/api/v1/namespaces/default/pods?fieldManager=me", """{"kind":"Pod","metadata":{"name":"p","labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        var owner = Owned("/api/v1/namespaces/default/pods/p").Single();
        Assert.Equal(("me", "Update", "v1", "FieldsV1"), (owner.Text("manager"), owner.Text("operation"), owner.Text("apiVersion"), owner.Text("fieldsType")));
        Assert.Equal("""{"f:labels":{".":{},"f:a":{}}}""", owner.At("fieldsV1", "f:metadata")!.ToJsonString());
        var container = owner.At("fieldsV1", "f:spec", "f:containers", """k:{"name":"c"}""")!;
        Assert.NotNull(container["."]);
        Assert.NotNull(container["f:imagePullPolicy"]);
        Assert.Null(owner.At("fieldsV1", "f:status"));
        Assert.Null(owner.At("fieldsV1", "f:spec", "f:tolerations"));
    }

    [Fact]
    public async Task The_program_of_the_user_agent_stands_for_a_manager_that_is_not_named()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Maps.TrimStart('/'))
        {
            Content = new StringContent("""{"metadata":{"name":"a"},"data":{"k":"v"}}""", System.Text.Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("User-Agent", "kubectl-create/v1.32 (linux/amd64)");
        using var client = new HttpClient(new InProcessHandler(_server.Server)) { BaseAddress = InProcessHandler.BaseAddress };
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal("kubectl-create", Owned($"{Maps}/a").Single().Text("manager"));
    }

    [Fact]
    public void A_field_goes_to_who_changed_it_and_to_nobody_when_it_goes()
    {
        Create("""{"k":"v","l":"w"}""");
        _server.Patch($"{Maps}/a?fieldManager=second", """{"data":{"k":"z"}}""");
        Assert.Equal([".", "f:l"], Data("first"));
        Assert.Equal(["f:k"], Data("second"));
        _server.Patch($"{Maps}/a?fieldManager=third", """{"data":{"k":null}}""");
        Assert.Equal(["first"], Owned($"{Maps}/a").Select(static o => o.Text("manager")));
    }

    [Fact]
    public void A_write_that_changes_nothing_leaves_the_times_and_the_revision()
    {
        Create("""{"k":"v"}""");
        var before = _server.Get($"{Maps}/a").Object;
        _server.Clock.Advance(TimeSpan.FromMinutes(1));
        _server.Patch($"{Maps}/a?fieldManager=second", """{"data":{"k":"v"}}""");
        Assert.Equal(before.ToJsonString(), _server.Get($"{Maps}/a").Object.ToJsonString());
        _server.Patch($"{Maps}/a?fieldManager=first", """{"data":{"k":"w"}}""");
        Assert.NotEqual(before["metadata"]!["managedFields"]![0]!["time"]!.ToString(), Owned($"{Maps}/a").Single().Text("time"));
    }

    [Fact]
    public void Of_more_than_ten_updaters_the_oldest_are_merged()
    {
        Create("""{"k":"v"}""");
        for (var i = 0; i < 12; i++)
        {
            _server.Clock.Advance(TimeSpan.FromSeconds(1));
            _server.Patch($"{Maps}/a?fieldManager=u{i:00}", $$$"""{"data":{"u{{{i}}}":""}}""");
        }

        var owners = Owned($"{Maps}/a").Select(static o => o.Text("manager")).ToList();
        Assert.Equal(10, owners.Count);
        Assert.Equal("ancient-changes", owners[0]);
        Assert.Equal([".", "f:k", "f:u0", "f:u1", "f:u2"], Data("ancient-changes"));
    }

    [Theory]
    [InlineData("[{}]")]
    [InlineData("[]")]
    public void An_empty_list_takes_all_owners_away_and_only_an_apply_brings_them_back(string reset)
    {
        Create("""{"k":"v"}""");
        Assert.Null(_server.Patch($"{Maps}/a", $$$"""{"metadata":{"managedFields":{{{reset}}}}}""").Object["metadata"]!["managedFields"]);
        Assert.Null(_server.Patch($"{Maps}/a", """{"data":{"k":"w"}}""").Object["metadata"]!["managedFields"]);
        _server.Apply($"{Maps}/a", "app", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"n":"1"}}""");
        Assert.Equal(["app", "before-first-apply"], Owned($"{Maps}/a").Select(static o => o.Text("manager")));
    }

    [Fact]
    public void A_list_that_cannot_be_read_changes_no_owner()
    {
        Create("""{"k":"v"}""");
        foreach (var broken in new[] { """[{"operation":"Own","apiVersion":"v1","fieldsType":"FieldsV1"}]""", """[{"operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"data":{}}}]""", """[{"operation":"Update","apiVersion":"v1"}]""" })
        {
            _server.Patch($"{Maps}/a", $$$"""{"metadata":{"managedFields":{{{broken}}}}}""");
            Assert.Equal(["first"], Owned($"{Maps}/a").Select(static o => o.Text("manager")));
        }
    }

    [Fact]
    public void A_json_patch_sees_the_owners_and_can_rename_one()
    {
        Create("""{"k":"v"}""");
        _server.Patch($"{Maps}/a", """[{"op":"test","path":"/metadata/managedFields/0/manager","value":"first"},{"op":"replace","path":"/metadata/managedFields/0/manager","value":"renamed"}]""", "application/json-patch+json");
        Assert.Equal("renamed", Owned($"{Maps}/a").Single().Text("manager"));
    }

    [Fact]
    public void Writes_of_the_status_are_entries_of_their_own()
    {
        _server.Post("/api/v1/namespaces/default/pods?fieldManager=me", """{"kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        _server.Patch("/api/v1/namespaces/default/pods/p/status?fieldManager=me", """{"status":{"phase":"Running","podIPs":[{"ip":"1.2.3.4"}]}}""");
        var status = Owned("/api/v1/namespaces/default/pods/p").Single(static o => o.Text("subresource") == "status");
        Assert.Equal("""{"f:status":{"f:phase":{},"f:podIPs":{".":{},"k:{\"ip\":\"1.2.3.4\"}":{".":{},"f:ip":{}}}}}""", status["fieldsV1"]!.Written());
    }

    [Fact]
    public void A_deletion_and_a_binding_leave_the_owners()
    {
        _server.Post("/api/v1/namespaces/default/pods?fieldManager=me", """{"kind":"Pod","metadata":{"name":"p","finalizers":["e.com/f"]},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        var before = _server.Get("/api/v1/namespaces/default/pods/p").Object["metadata"]!["managedFields"]!.ToJsonString();
        _server.Post("/api/v1/namespaces/default/pods/p/binding", """{"target":{"name":"n"}}""");
        _server.Delete("/api/v1/namespaces/default/pods/p");
        var after = _server.Get("/api/v1/namespaces/default/pods/p").Object;
        Assert.NotNull(after["metadata"]!["deletionTimestamp"]);
        Assert.Equal(before, after["metadata"]!["managedFields"]!.ToJsonString());
    }

    [Theory]
    [InlineData("POST", "", "CreateOptions")]
    [InlineData("PUT", "/a", "UpdateOptions")]
    [InlineData("PATCH", "/a", "PatchOptions")]
    public void A_name_that_is_too_long_is_refused(string method, string path, string options)
    {
        var answer = _server.Send(method, $"{Maps}{path}?fieldManager={new string('x', 129)}", """{"metadata":{"name":"a"}}""", method == "PATCH" ? "application/merge-patch+json" : "application/json");
        answer.Fails(422, "Invalid", $"{options}.meta.k8s.io \"\" is invalid: fieldManager: Too long: may not be more than 128 bytes");
    }

    private void Create(string data) => _server.Post($"{Maps}?fieldManager=first", $$$"""{"metadata":{"name":"a"},"data":{{{data}}}}""");

    private List<JsonNode> Owned(string path) => [.. _server.Get(path).Object["metadata"]!["managedFields"]!.AsArray().Select(static o => o!)];

    private IEnumerable<string> Data(string manager) =>
        Owned($"{Maps}/a").Single(o => o.Text("manager") == manager).At("fieldsV1", "f:data")!.AsObject().Select(static m => m.Key).Order(StringComparer.Ordinal);
}
