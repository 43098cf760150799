namespace Kube.ApiServer.Tests;

public sealed class EventTests : IDisposable
{
    private const string Core = "/api/v1/namespaces/default/events";
    private const string Newer = "/apis/events.k8s.io/v1/namespaces/default/events";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    private void CreateCore(string name = "e") => Assert.Equal(201, (int)_server.Post(Core,
        $$$"""
        {"metadata":{"name":"{{{name}}}"},"involvedObject":{"kind":"Pod","name":"p","namespace":"default"},"reason":"R","message":"m","type":"Normal",
         "source":{"component":"c","host":"h"},"count":2,"firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":"2026-01-01T00:00:01Z"}
        """).Code);

    [Fact]
    public void An_event_of_the_core_group_is_seen_under_the_newer_names()
    {
        CreateCore();
        var seen = _server.Get($"{Newer}/e").Object;
        Assert.Equal("events.k8s.io/v1", (string)seen["apiVersion"]!);
        Assert.Equal("p", (string)seen["regarding"]!["name"]!);
        Assert.Equal("m", (string)seen["note"]!);
        Assert.Equal(2, (int)seen["deprecatedCount"]!);
        Assert.Equal("2026-01-01T00:00:01Z", (string)seen["deprecatedLastTimestamp"]!);
        Assert.Equal("c", (string)seen["deprecatedSource"]!["component"]!);
        Assert.Null(seen["reportingController"]);
        Assert.Null(seen["involvedObject"]);
    }

    [Fact]
    public void An_event_of_the_newer_group_is_seen_under_the_core_names()
    {
        var made = _server.Post(Newer,
            """{"metadata":{"name":"f"},"regarding":{"kind":"Pod","name":"p","namespace":"default"},"reason":"R","note":"m","type":"Normal","reportingController":"a/b","reportingInstance":"h","action":"Do","eventTime":"2026-01-01T00:00:00.123456Z"}""").Object;
        Assert.Equal("events.k8s.io/v1", (string)made["apiVersion"]!);
        var seen = _server.Get($"{Core}/f").Object;
        Assert.Equal("v1", (string)seen["apiVersion"]!);
        Assert.Equal("p", (string)seen["involvedObject"]!["name"]!);
        Assert.Equal("m", (string)seen["message"]!);
        Assert.Equal("a/b", (string)seen["reportingComponent"]!);
        Assert.Equal(made["metadata"]!["uid"]!.ToJsonString(), seen["metadata"]!["uid"]!.ToJsonString());
    }

    [Fact]
    public void Both_views_are_one_in_lists_watches_and_selectors()
    {
        using var watch = _server.Watch($"{Newer}?watch=1&fieldSelector=regarding.name%3Dp");
        CreateCore();
        Assert.Equal(["ADDED e"], watch.Lines);
        Assert.Equal("p", (string)watch.Events[0]["object"]!["regarding"]!["name"]!);
        Assert.Single(_server.Get($"{Core}?fieldSelector=involvedObject.name%3Dp").Object["items"]!.AsArray());
        Assert.Empty(_server.Get($"{Newer}?fieldSelector=regarding.name%3Dq").Object["items"]!.AsArray());
        _server.Get($"{Newer}?fieldSelector=involvedObject.name%3Dp").Fails(400, "BadRequest", "field label not supported: involvedObject.name");
        Assert.Contains("pod/p", _server.Get(Newer, "application/json;as=Table;v=v1;g=meta.k8s.io").Text, StringComparison.Ordinal);
        _server.Delete($"{Newer}/e");
        _server.Get($"{Core}/e").Fails(404, "NotFound");
    }

    [Fact]
    public void An_event_of_the_newer_group_says_when_and_who()
    {
        var message = (string)_server.Post(Newer, """{"metadata":{"name":"g"},"regarding":{"kind":"Pod","name":"p","namespace":"default"}}""").Fails(422, "Invalid").Json["message"]!;
        Assert.Contains("eventTime: Required value", message, StringComparison.Ordinal);
        Assert.Contains("type: Invalid value: \"\": has invalid value: ", message, StringComparison.Ordinal);
    }
}
