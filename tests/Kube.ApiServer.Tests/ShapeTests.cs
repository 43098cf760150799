using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

public sealed class ShapeTests : IDisposable
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public void Unknown_members_of_built_in_kinds_are_warned_of_and_dropped_or_refused()
    {
        var body = """{"metadata":{"name":"p","lables":{}},"spec":{"containers":[{"name":"c","image":"i","imagee":"x","resources":{"request":{"cpu":"1"}}}]}}""";
        _server.Post($"{Pods}?fieldValidation=Strict", body).Fails(400, "BadRequest",
            "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"metadata.lables\", unknown field \"spec.containers[0].imagee\", unknown field \"spec.containers[0].resources.request\"");
        var made = _server.Post(Pods, body);
        Assert.Equal(3, made.Warnings.Count);
        Assert.Null(made.Object["spec"]!["containers"]![0]!["imagee"]);
        Assert.Empty(_server.Patch($"{Pods}/p?fieldValidation=Ignore", """{"spec":{"nonsense":1}}""").Warnings);
    }

    [Theory]
    [InlineData("""{"containers":"x"}""", "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container")]
    [InlineData("""{"containers":[{"name":"c","image":true}]}""", "json: cannot unmarshal bool into Go struct field Container.spec.containers.image of type string")]
    [InlineData("""{"terminationGracePeriodSeconds":1.5}""", "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64")]
    [InlineData("""{"containers":[{"name":"c","resources":{"limits":{"cpu":"many"}}}]}""", "quantities must match the regular expression")]
    public void Values_of_a_wrong_type_are_refused_as_by_a_decoder(string spec, string message) =>
        _server.Post(Pods, $$"""{"metadata":{"name":"p"},"spec":{{spec}}}""").Fails(400, "BadRequest", message);

    [Fact]
    public void Members_of_embedded_types_are_known()
    {
        var made = _server.Post($"{Pods}?fieldValidation=Strict", """
            {"metadata":{"name":"p"},"spec":{"volumes":[{"name":"v","emptyDir":{"medium":"Memory"}}],
             "containers":[{"name":"c","image":"i","env":[{"name":"E","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}],
              "livenessProbe":{"tcpSocket":{"port":"ssh"},"periodSeconds":3}}]}}
            """);
        Assert.Equal(201, (int)made.Code);
    }

    [Fact]
    public void Quantities_are_written_in_one_form()
    {
        var made = _server.Post(Pods, """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":"1000m","memory":"1024Mi"},"requests":{"cpu":1}}}]}}""").Object;
        Assert.Equal("""{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"1","memory":"1Gi"}}""", made["spec"]!["containers"]![0]!["resources"]!.ToJsonString());
    }

    /// <summary>What kubectl sends for <c>create deployment d --image=i --replicas=0</c>, in essence.</summary>
    [Fact]
    public async Task An_object_in_protobuf_is_read_and_keeps_the_zeros_that_mean_something()
    {
        var container = Field(1, "c").Concat(Field(2, "i")).Concat(Field(8, [])).ToArray();
        var template = Field(1, Field(11, Entry("app", "d"))).Concat(Field(2, Field(2, container).Concat(Varint(4, 30)).ToArray())).ToArray();
        var spec = Varint(1, 0).Concat(Field(2, Field(1, Entry("app", "d")))).Concat(Field(3, template)).Concat(Varint(7, 0)).ToArray();
        var deployment = Field(1, Field(1, "d").Concat(Field(3, "")).ToArray()).Concat(Field(2, spec)).Concat(Field(3, [])).ToArray();
        var type = Field(1, "apps/v1").Concat(Field(2, "Deployment")).ToArray();
        byte[] body = [.. "k8s\0"u8, .. Field(1, type), .. Field(2, deployment)];

        var answer = await _server.Server.HandleAsync(
            new ApiRequest("POST", "/apis/apps/v1/namespaces/default/deployments") { ContentType = "application/vnd.kubernetes.protobuf", Body = body, Query = "fieldValidation=Strict" }, default);
        var made = JsonNode.Parse(Assert.IsType<ApiResponse.Content>(answer).Parts[0].Span)!;
        Assert.Equal(201, answer.Code);
        Assert.Equal(0, (int)made["spec"]!["replicas"]!);
        Assert.Null(made["spec"]!["paused"]);
        Assert.Equal("d", (string)made["spec"]!["selector"]!["matchLabels"]!["app"]!);
        Assert.Equal("i", (string)made["spec"]!["template"]!["spec"]!["containers"]![0]!["image"]!);
        Assert.Equal("default", (string)made["metadata"]!["namespace"]!);

        body[^3] = 0xFF;
        var damaged = await _server.Server.HandleAsync(
            new ApiRequest("POST", "/apis/apps/v1/namespaces/default/deployments") { ContentType = "application/vnd.kubernetes.protobuf", Body = body }, default);
        Assert.Equal(400, damaged.Code);
    }

    private static byte[] Field(int number, string text) => Field(number, System.Text.Encoding.UTF8.GetBytes(text));

    private static byte[] Field(int number, byte[] bytes) => [.. Number((ulong)((number << 3) | 2)), .. Number((ulong)bytes.Length), .. bytes];

    private static byte[] Varint(int number, ulong value) => [.. Number((ulong)(number << 3)), .. Number(value)];

    private static byte[] Entry(string key, string value) => [.. Field(1, key), .. Field(2, value)];

    private static IEnumerable<byte> Number(ulong value)
    {
        while (value >= 0x80)
        {
            yield return (byte)(value | 0x80);
            value >>= 7;
        }

        yield return (byte)value;
    }
}
