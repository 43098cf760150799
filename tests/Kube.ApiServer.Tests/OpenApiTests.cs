using System.Text;
using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

/// <summary>What clients learn of the kinds by OpenAPI.</summary>
public sealed class OpenApiTests : IDisposable
{
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public void Built_in_kinds_are_described_with_how_their_lists_merge()
    {
        var schemas = Schemas("api/v1");
        var pod = schemas["io.k8s.api.core.v1.Pod"]!;
        Assert.Equal("""[{"group":"","kind":"Pod","version":"v1"}]""", pod["x-kubernetes-group-version-kind"]!.ToJsonString());
        Assert.Equal("#/components/schemas/io.k8s.api.core.v1.PodSpec", pod.At("properties", "spec")!["allOf"]![0].Text("$ref"));
        var ports = schemas["io.k8s.api.core.v1.Container"].At("properties", "ports")!;
        Assert.Equal("""["containerPort","protocol"]""", ports["x-kubernetes-list-map-keys"]!.ToJsonString());
        Assert.Equal(("map", "merge", "containerPort"), (ports.Text("x-kubernetes-list-type"), ports.Text("x-kubernetes-patch-strategy"), ports.Text("x-kubernetes-patch-merge-key")));
        Assert.Equal("""["SCTP","TCP","UDP"]""", schemas["io.k8s.api.core.v1.ContainerPort"].At("properties", "protocol", "enum")!.ToJsonString());
        Assert.Equal("atomic", schemas["io.k8s.api.core.v1.ServiceSpec"].At("properties", "selector").Text("x-kubernetes-map-type"));
    }

    [Fact]
    public void Every_reference_of_every_document_leads_somewhere()
    {
        foreach (var (place, _) in _server.Get("/openapi/v3").Json["paths"]!.AsObject())
        {
            var document = _server.Get($"/openapi/v3/{place}").Json;
            foreach (var reference in References(document)) Assert.NotNull(document.At(reference[2..].Split('/')));
        }

        var all = _server.Get("/openapi/v2").Json;
        foreach (var reference in References(all)) Assert.NotNull(all.At(reference[2..].Split('/')));
    }

    [Fact]
    public void A_custom_resource_has_the_metadata_of_every_object_and_comes_and_goes_with_its_definition()
    {
        _server.Get("/openapi/v3/apis/example.com/v1").Fails404();
        _server.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """
            {"metadata":{"name":"things.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},"versions":[
             {"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer"}}}}}}}]}}
            """);
        var schemas = Schemas("apis/example.com/v1");
        Assert.Equal("integer", schemas["com.example.v1.Thing"].At("properties", "spec", "properties", "size").Text("type"));
        Assert.NotNull(schemas["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"].At("properties", "labels"));
    }

    [Fact]
    public void The_protobuf_form_holds_what_the_json_form_holds()
    {
        var json = _server.Get("/openapi/v2").Json["definitions"]!.AsObject();
        var document = Proto.Read(_server.Bytes("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"));
        Assert.Equal("2.0", Proto.Text(document.Single(static f => f.Number == 1)));
        var definitions = Proto.Read(document.Single(static f => f.Number == 9).Bytes).ToDictionary(static d => Proto.Text(Proto.Read(d.Bytes)[0]), static d => Proto.Read(Proto.Read(d.Bytes)[1].Bytes));
        Assert.Equal(json.Select(static d => d.Key), definitions.Keys);
        var port = definitions["io.k8s.api.core.v1.ContainerPort"];
        Assert.Equal("containerPort", Proto.Text(port.Single(static f => f.Number == 19)));
        var members = Proto.Read(port.Single(static f => f.Number == 25).Bytes).Select(static m => Proto.Text(Proto.Read(m.Bytes)[0]));
        Assert.Equal(json["io.k8s.api.core.v1.ContainerPort"]!["properties"]!.AsObject().Select(static p => p.Key), members);
    }

    private JsonObject Schemas(string place) => (JsonObject)_server.Get($"/openapi/v3/{place}").Object.At("components", "schemas")!;

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(static m => m is { Key: "$ref", Value: JsonValue reference } ? [reference.GetValue<string>()] : References(m.Value)),
        JsonArray items => items.SelectMany(References),
        _ => [],
    };

    /// <summary>Just enough of protobuf to look into a message.</summary>
    private static class Proto
    {
        public static List<(int Number, byte[] Bytes)> Read(byte[] message)
        {
            var fields = new List<(int, byte[])>();
            var at = 0;
            while (at < message.Length)
            {
                var tag = Varint(message, ref at);
                Assert.Equal(2, tag & 7);
                var length = Varint(message, ref at);
                fields.Add((tag >> 3, message[at..(at + length)]));
                at += length;
            }

            return fields;
        }

        public static string Text((int Number, byte[] Bytes) field) => Encoding.UTF8.GetString(field.Bytes);

        private static int Varint(byte[] bytes, ref int at)
        {
            var (value, shift) = (0, 0);
            byte next;
            do
            {
                next = bytes[at++];
                value |= (next & 0x7F) << shift;
                shift += 7;
            }
            while (next >= 0x80);
            return value;
        }
    }
}
