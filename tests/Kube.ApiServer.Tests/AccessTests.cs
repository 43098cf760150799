using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

public sealed class AccessTests : IDisposable
{
    private const string Accounts = "/api/v1/namespaces/default/serviceaccounts";
    private const string Authentication = "/apis/authentication.k8s.io/v1";
    private const string Authorization = "/apis/authorization.k8s.io/v1";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    private string Token(string spec = "{}", string account = "default") =>
        (string)_server.Post($"{Accounts}/{account}/token", $$"""{"spec":{{spec}}}""").Object["status"]!["token"]!;

    [Fact]
    public void The_holder_of_the_clusters_token_is_its_owner()
    {
        var who = _server.Post($"{Authentication}/selfsubjectreviews", "{}").Object["status"]!["userInfo"]!;
        Assert.Equal("owner", (string)who["username"]!);
        Assert.Equal("system:masters", (string)who["groups"]![0]!);
    }

    [Fact]
    public async Task The_bearer_of_a_requested_token_is_that_account()
    {
        var user = _server.Server.Authenticate(Token())!;
        Assert.Equal("system:serviceaccount:default:default", user.Name);
        Assert.Equal(["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"], user.Groups);
        var answer = await _server.Server.HandleAsync(
            new ApiRequest("POST", $"{Authentication}/selfsubjectreviews") { User = user, Body = Encoding.UTF8.GetBytes("{}") }, TestContext.Current.CancellationToken);
        var body = JsonNode.Parse(((ApiResponse.Content)answer).Parts[0].Span)!;
        Assert.Equal(user.Name, (string)body["status"]!["userInfo"]!["username"]!);
        Assert.Equal(user.Uid, (string)body["status"]!["userInfo"]!["uid"]!);
    }

    [Fact]
    public void A_token_ends_with_its_time()
    {
        var token = Token("""{"expirationSeconds":600}""");
        _server.Clock.Advance(TimeSpan.FromSeconds(599));
        Assert.NotNull(_server.Server.Authenticate(token));
        _server.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(_server.Server.Authenticate(token));
    }

    [Fact]
    public void A_token_ends_with_its_account_and_is_none_of_a_later_one_of_that_name()
    {
        _server.Post(Accounts, """{"metadata":{"name":"a"}}""");
        var token = Token(account: "a");
        _server.Delete($"{Accounts}/a");
        Assert.Null(_server.Server.Authenticate(token));
        _server.Post(Accounts, """{"metadata":{"name":"a"}}""");
        Assert.Null(_server.Server.Authenticate(token));
    }

    [Fact]
    public void A_token_that_is_bound_to_a_pod_ends_with_it()
    {
        _server.Post($"{Accounts}/default/token", """{"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}}}""").Fails(404, "NotFound", "pods \"p\" not found");
        _server.Post("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        var token = Token("""{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}}""");
        Assert.Equal("p", _server.Server.Authenticate(token)!.Extra["authentication.kubernetes.io/pod-name"]);
        _server.Delete("/api/v1/namespaces/default/pods/p");
        Assert.Null(_server.Server.Authenticate(token));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("a.b.c")]
    public void What_is_no_token_of_this_server_is_nobody(string token) => Assert.Null(_server.Server.Authenticate(token));

    [Fact]
    public void A_changed_token_and_one_for_others_are_nobody()
    {
        var parts = Token().Split('.');
        var other = Token().Split('.');
        Assert.Null(_server.Server.Authenticate($"{parts[0]}.{other[1]}.{parts[2]}"));
        Assert.Null(_server.Server.Authenticate(Token("""{"audiences":["vault"]}""")));
    }

    [Fact]
    public void Token_requests_are_checked()
    {
        _server.Post($"{Accounts}/default/token", """{"spec":{"expirationSeconds":5}}""").Fails(422, "Invalid", "spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes");
        _server.Post($"{Accounts}/nope/token", """{"spec":{}}""").Fails(404, "NotFound", "serviceaccounts \"nope\" not found");
    }

    [Fact]
    public void Token_reviews_say_who_bears_a_token()
    {
        var known = _server.Post($"{Authentication}/tokenreviews", $$$"""{"spec":{"token":"{{{Token()}}}"}}""").Object["status"]!;
        Assert.True((bool)known["authenticated"]!);
        Assert.Equal("system:serviceaccount:default:default", (string)known["user"]!["username"]!);
        Assert.Equal("""{"user":{},"error":"invalid bearer token"}""", _server.Post($"{Authentication}/tokenreviews", """{"spec":{"token":"x"}}""").Object["status"]!.ToJsonString());
    }

    [Fact]
    public void Questions_about_rights_are_checked_and_then_answered_with_yes()
    {
        const string Question = """{"spec":{"user":"u","resourceAttributes":{"namespace":"default","verb":"get","resource":"pods"}}}""";
        Assert.True((bool)_server.Post($"{Authorization}/subjectaccessreviews", Question).Object["status"]!["allowed"]!);
        Assert.True((bool)_server.Post($"{Authorization}/namespaces/default/localsubjectaccessreviews", Question).Object["status"]!["allowed"]!);
        _server.Post($"{Authorization}/namespaces/kube-system/localsubjectaccessreviews", Question).Fails(422, "Invalid", "must match metadata.namespace");
        _server.Post($"{Authorization}/subjectaccessreviews", """{"spec":{}}""").Fails(422, "Invalid", "at least one of user or group must be specified");
        _server.Post($"{Authorization}/selfsubjectrulesreviews", """{"spec":{}}""").Fails(400, "BadRequest", "no namespace on request");
        Assert.Equal("*", (string)_server.Post($"{Authorization}/selfsubjectrulesreviews", """{"spec":{"namespace":"default"}}""").Object["status"]!["resourceRules"]![0]!["verbs"]![0]!);
        Assert.Equal(HttpStatusCode.NotFound, _server.Post($"{Authorization}/namespaces/default/subjectaccessreviews", Question).Code);
    }
}
