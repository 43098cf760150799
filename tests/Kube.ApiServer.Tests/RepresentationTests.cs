using System.Net;

namespace Kube.ApiServer.Tests;

public sealed class RepresentationTests : IDisposable
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public void Objects_are_taken_and_given_in_yaml()
    {
        var answer = _server.Send("POST", ConfigMaps, "metadata:\n  name: a\ndata:\n  k: \"1\"\n", "application/yaml", "application/yaml");
        Assert.Equal(HttpStatusCode.Created, answer.Code);
        Assert.Contains("kind: ConfigMap\n", answer.Text, StringComparison.Ordinal);
        Assert.Contains("  k: \"1\"\n", answer.Text, StringComparison.Ordinal);
        Assert.Equal("1", (string)_server.Get($"{ConfigMaps}/a").Object["data"]!["k"]!);
        Assert.Contains("kind: ConfigMapList", _server.Get(ConfigMaps, "application/yaml").Text, StringComparison.Ordinal);
        Assert.Contains("reason: NotFound", _server.Get($"{ConfigMaps}/none", "application/yaml").Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/yaml;q=0.9,application/json", true)]
    [InlineData("application/json,application/yaml", false)]
    [InlineData("application/vnd.kubernetes.protobuf,application/json", false)]
    [InlineData("*/*", false)]
    public void The_first_form_that_can_be_served_is_served(string accept, bool yaml) =>
        Assert.Equal(yaml, !_server.Get("/api/v1/namespaces/default", accept).Text.StartsWith('{'));

    [Fact]
    public void What_cannot_be_served_is_refused() =>
        _server.Get(ConfigMaps, "application/cbor").Fails(406, "NotAcceptable", "only the following media types are accepted: application/json, application/yaml");

    [Fact]
    public void Yaml_that_cannot_be_read_is_refused() =>
        _server.Send("POST", ConfigMaps, "a: [", "application/yaml").Fails(400, "BadRequest", "must be of type YAML");
}
