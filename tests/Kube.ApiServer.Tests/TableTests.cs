using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

public sealed class TableTests : IDisposable
{
    private const string Table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    private const string Pods = "/api/v1/namespaces/default/pods";
    private readonly TestServer _server = new();

    public TableTests() => _server.Post(Pods, """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"i"},{"name":"b","image":"i"}]}}""");

    public void Dispose() => _server.Dispose();

    private string Status(string status) => (string)Row(_server.Patch($"{Pods}/p/status", $$"""{"status":{{status}}}""").Object)[2]!;

    private JsonArray Row(JsonNode _) => _server.Get($"{Pods}/p", Table).Object["rows"]![0]!["cells"]!.AsArray();

    [Fact]
    public void A_list_of_pods_has_the_columns_of_kubectl()
    {
        _server.Clock.Advance(TimeSpan.FromSeconds(75));
        var table = _server.Get(Pods, Table).Object;
        Assert.Equal(
            ["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node", "Nominated Node", "Readiness Gates"],
            table["columnDefinitions"]!.AsArray().Select(static c => (string)c!["name"]!));
        Assert.Equal("""["p","0/2","Pending","0","75s","<none>","<none>","<none>","<none>"]""", table["rows"]![0]!["cells"]!.ToJsonString().Replace("\\u003C", "<").Replace("\\u003E", ">"));
        Assert.Equal("PartialObjectMetadata", (string)table["rows"]![0]!["object"]!["kind"]!);
        Assert.Equal("Pod", (string)_server.Get($"{Pods}?includeObject=Object", Table).Object["rows"]![0]!["object"]!["kind"]!);
    }

    [Theory]
    [InlineData("""{"phase":"Running","containerStatuses":[{"name":"a","ready":true,"state":{"running":{}}}]}""", "Running")]
    [InlineData("""{"phase":"Pending","containerStatuses":[{"name":"a","state":{"waiting":{"reason":"ImagePullBackOff"}}}]}""", "ImagePullBackOff")]
    [InlineData("""{"phase":"Running","containerStatuses":[{"name":"a","state":{"terminated":{"exitCode":3}}}]}""", "ExitCode:3")]
    [InlineData("""{"phase":"Failed","reason":"Evicted"}""", "Evicted")]
    [InlineData("""{"phase":"Running","containerStatuses":[{"name":"a","ready":true,"state":{"running":{}}},{"name":"b","state":{"terminated":{"reason":"Completed"}}}],"conditions":[{"type":"Ready","status":"False"}]}""", "NotReady")]
    public void The_status_says_what_keeps_a_pod(string status, string word) => Assert.Equal(word, Status(status));

    [Fact]
    public void A_pod_that_initializes_counts_its_init_containers()
    {
        _server.Post(Pods, """{"metadata":{"name":"i"},"spec":{"initContainers":[{"name":"x","image":"i"},{"name":"y","image":"i"}],"containers":[{"name":"a","image":"i"}]}}""");
        _server.Patch($"{Pods}/i/status", """{"status":{"phase":"Pending","initContainerStatuses":[{"name":"x","state":{"terminated":{"exitCode":0}}},{"name":"y","state":{"running":{}}}]}}""");
        Assert.Equal("Init:1/2", (string)_server.Get($"{Pods}/i", Table).Object["rows"]![0]!["cells"]![2]!);
    }

    [Fact]
    public void A_watch_of_a_table_sends_the_columns_once()
    {
        using var watch = _server.Watch($"{Pods}?watch=1", Table);
        _server.Patch($"{Pods}/p", """{"metadata":{"labels":{"a":"b"}}}""");
        Assert.Equal(["Table", "Table"], watch.Events.ConvertAll(static e => (string)e["object"]!["kind"]!));
        Assert.NotNull(watch.Events[0]["object"]!["columnDefinitions"]);
        Assert.Null(watch.Events[1]["object"]!["columnDefinitions"]);
    }

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(119, "119s")]
    [InlineData(120, "2m")]
    [InlineData(125, "2m5s")]
    [InlineData(3600 * 3, "3h")]
    [InlineData((3600 * 3) + 60, "3h1m")]
    [InlineData(3600 * 50, "2d2h")]
    [InlineData(86400 * 9, "9d")]
    [InlineData(86400 * 800, "2y70d")]
    public void Ages_are_short(int seconds, string text) => Assert.Equal(text, Ages.Short(TimeSpan.FromSeconds(seconds)));
}
