using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

public sealed class ServiceAccountTokenTests : IDisposable
{
    private const string Accounts = "/api/v1/namespaces/default/serviceaccounts";
    private readonly TestServer _server = new(static o => o with { TokenKey = new byte[32] });

    public ServiceAccountTokenTests() => _server.Post(Accounts, """{"metadata":{"name":"worker"}}""");

    public void Dispose() => _server.Dispose();

    [Fact]
    public void A_token_names_its_account_and_ends_when_its_time_is_over()
    {
        var answer = Ask("""{"spec":{"expirationSeconds":600}}""");
        Assert.Equal(201, (int)answer.Code);
        var token = (string)answer.Json["status"]!["token"]!;
        Assert.Equal("system:serviceaccount:default:worker", _server.Server.Authenticate(token)?.Name);
        var claims = JsonNode.Parse(Base64Url.DecodeFromChars(token.Split('.')[1]))!;
        Assert.Equal("system:serviceaccount:default:worker", (string)claims["sub"]!);
        Assert.Equal("worker", (string)claims["kubernetes.io"]!["serviceaccount"]!["name"]!);
        _server.Clock.Advance(TimeSpan.FromSeconds(601));
        Assert.Null(_server.Server.Authenticate(token));
    }

    [Fact]
    public void A_token_that_was_changed_or_is_for_somebody_else_is_refused()
    {
        var token = Token("{}");
        var parts = token.Split('.');
        var claims = JsonNode.Parse(Base64Url.DecodeFromChars(parts[1]))!;
        claims["kubernetes.io"]!["serviceaccount"]!["name"] = "other";
        Assert.Null(_server.Server.Authenticate($"{parts[0]}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString()))}.{parts[2]}"));
        Assert.Null(_server.Server.Authenticate("no.token"));
        Assert.Null(_server.Server.Authenticate(""));
        Assert.Null(_server.Server.Authenticate(Token("""{"spec":{"audiences":["vault"]}}""")));
    }

    [Fact]
    public void A_token_ends_with_the_pod_that_it_is_bound_to_and_with_its_account()
    {
        _server.Post("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        var bound = Token("""{"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}}}""");
        var free = Token("{}");
        Assert.NotNull(_server.Server.Authenticate(bound));
        _server.Delete("/api/v1/namespaces/default/pods/p");
        Assert.Null(_server.Server.Authenticate(bound));
        Assert.NotNull(_server.Server.Authenticate(free));
        _server.Delete($"{Accounts}/worker");
        Assert.Null(_server.Server.Authenticate(free));
    }

    [Fact]
    public void A_token_cannot_be_had_for_less_than_ten_minutes_or_for_what_is_not_there()
    {
        Ask("""{"spec":{"expirationSeconds":60}}""").Fails(422, "Invalid", "may not specify a duration less than 10 minutes");
        Ask("""{"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"none"}}}""").Fails(404, "NotFound", "pods \"none\" not found");
        _server.Post($"{Accounts}/nobody/token", "{}").Fails(404, "NotFound", "serviceaccounts \"nobody\" not found");
    }

    private Answer Ask(string body) => _server.Post($"{Accounts}/worker/token", body);

    private string Token(string body) => (string)Ask(body).Object["status"]!["token"]!;
}
