using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

public sealed class KindTests : IDisposable
{
    private const string Core = "/api/v1/namespaces/default";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    private Answer Service(string name, string spec) => _server.Post($"{Core}/services", $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{{{spec}}}}""");

    [Fact]
    public void A_service_gets_an_address_and_keeps_it()
    {
        var spec = Service("s", """{"ports":[{"port":80}]}""").Object["spec"]!;
        Assert.StartsWith("10.96.", (string)spec["clusterIP"]!);
        Assert.Equal((string)spec["clusterIP"]!, (string)spec["clusterIPs"]![0]!);
        Assert.Equal("ClusterIP", (string)spec["type"]!);
        Assert.Equal("""[{"port":80,"protocol":"TCP","targetPort":80}]""", spec["ports"]!.ToJsonString());
        Assert.NotEqual((string)spec["clusterIP"]!, (string)Service("t", """{"ports":[{"port":80}]}""").Object["spec"]!["clusterIP"]!);

        var replaced = _server.Put($"{Core}/services/s", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":81}]}}""").Object["spec"]!;
        Assert.Equal((string)spec["clusterIP"]!, (string)replaced["clusterIP"]!);
        _server.Patch($"{Core}/services/s", """{"spec":{"clusterIP":"10.96.9.9","clusterIPs":["10.96.9.9"]}}""").Fails(422, "Invalid", "may not change once set");
    }

    [Fact]
    public void A_headless_service_has_no_address_and_needs_no_port()
    {
        var spec = Service("s", """{"clusterIP":"None","publishNotReadyAddresses":true}""").Object["spec"]!;
        Assert.Equal("None", (string)spec["clusterIP"]!);
        Assert.Equal("None", (string)spec["clusterIPs"]![0]!);
        Service("t", "{}").Fails(422, "Invalid", "spec.ports: Required value");
        Service("u", """{"ports":[{"port":1},{"port":2}]}""").Fails(422, "Invalid", "spec.ports[0].name: Required value");
        Service("1u", """{"ports":[{"port":1}]}""").Fails(422, "Invalid", "a DNS-1035 label must consist of");
    }

    [Fact]
    public void A_chosen_address_is_given_once_and_free_again_after_deletion()
    {
        Service("a", """{"clusterIP":"10.96.7.7","ports":[{"port":1}]}""");
        Service("b", """{"clusterIP":"10.96.7.7","ports":[{"port":1}]}""").Fails(422, "Invalid", "provided IP is already allocated");
        _server.Delete($"{Core}/services/a");
        Assert.Equal(201, (int)Service("b", """{"clusterIP":"10.96.7.7","ports":[{"port":1}]}""").Code);
    }

    [Fact]
    public void Text_of_a_secret_becomes_data_and_its_type_stays()
    {
        var secret = _server.Post($"{Core}/secrets", """{"metadata":{"name":"s"},"stringData":{"k":"v"}}""").Object;
        Assert.Equal("djw=".Length, ((string)secret["data"]!["k"]!).Length);
        Assert.Equal("dg==", (string)secret["data"]!["k"]!);
        Assert.Null(secret["stringData"]);
        Assert.Equal("Opaque", (string)secret["type"]!);
        _server.Patch($"{Core}/secrets/s", """{"type":"other"}""").Fails(422, "Invalid", "type: Invalid value: \"other\": field is immutable");
        _server.Post($"{Core}/secrets", """{"metadata":{"name":"t"},"data":{"k":"?"}}""").Fails(400, "BadRequest", "illegal base64 data at input byte 0");
    }

    [Fact]
    public void Keys_of_a_config_map_must_be_file_names_and_an_immutable_one_stays()
    {
        _server.Post($"{Core}/configmaps", """{"metadata":{"name":"c"},"data":{"a/b":"v"}}""").Fails(422, "Invalid", "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of");
        _server.Post($"{Core}/configmaps", """{"metadata":{"name":"c"},"data":{"k":"v"},"immutable":true}""");
        _server.Patch($"{Core}/configmaps/c", """{"data":{"k":"w"}}""").Fails(422, "Invalid", "data: Forbidden: field is immutable when `immutable` is set");
    }

    [Fact]
    public void A_namespace_is_born_active_with_an_account_and_ends_when_it_is_finalized()
    {
        var ns = _server.Post("/api/v1/namespaces", """{"metadata":{"name":"n"}}""").Object;
        Assert.Equal("Active", (string)ns["status"]!["phase"]!);
        Assert.Equal("kubernetes", (string)ns["spec"]!["finalizers"]![0]!);
        Assert.Equal("n", (string)ns["metadata"]!["labels"]!["kubernetes.io/metadata.name"]!);
        Assert.Equal(["default"], CrudTests.Names(_server.Get("/api/v1/namespaces/n/serviceaccounts")));

        Assert.Equal("Terminating", (string)_server.Delete("/api/v1/namespaces/n").Object["status"]!["phase"]!);
        _server.Post("/api/v1/namespaces/n/configmaps", """{"metadata":{"name":"c"}}""").Fails(403, "Forbidden", "unable to create new content in namespace n because it is being terminated");
        _server.Put("/api/v1/namespaces/n/finalize", """{"metadata":{"name":"n"},"spec":{"finalizers":[]}}""");
        _server.Get("/api/v1/namespaces/n").Fails(404, "NotFound");
    }

    [Fact]
    public void The_namespaces_of_every_cluster_are_there() =>
        Assert.Equal(["default", "kube-node-lease", "kube-public", "kube-system"], CrudTests.Names(_server.Get("/api/v1/namespaces")));

    [Fact]
    public void A_deployment_scales_through_its_subresource()
    {
        var path = "/apis/apps/v1/namespaces/default/deployments";
        _server.Post(path, """{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        var scale = _server.Get($"{path}/d/scale").Object;
        Assert.Equal("a=b", (string)scale["status"]!["selector"]!);
        scale["spec"]!["replicas"] = 4;
        Assert.Equal(4, (int)_server.Put($"{path}/d/scale", scale).Object["spec"]!["replicas"]!);
        _server.Put($"{path}/d/scale", scale).Fails(409, "Conflict");
        Assert.Equal(2, (int)_server.Patch($"{path}/d/scale", """{"spec":{"replicas":2}}""").Object["spec"]!["replicas"]!);
        Assert.Equal(2, (int)_server.Get($"{path}/d").Object["spec"]!["replicas"]!);
        _server.Patch($"{path}/d", """{"spec":{"selector":{"matchLabels":{"a":"c"}}}}""").Fails(422, "Invalid", "`selector` does not match template `labels`");
    }

    [Fact]
    public void A_put_creates_a_lease_that_is_not_there()
    {
        var path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
        Assert.Equal(201, (int)_server.Put(path, """{"metadata":{"name":"l"},"spec":{"holderIdentity":"x"}}""").Code);
        Assert.Equal(200, (int)_server.Put(path, """{"metadata":{"name":"l"},"spec":{"holderIdentity":"y"}}""").Code);
    }

    [Fact]
    public void Events_are_selected_by_what_they_are_about()
    {
        _server.Post($"{Core}/events", """{"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","namespace":"default","name":"p"},"reason":"R","type":"Normal"}""");
        Assert.Equal(["e"], CrudTests.Names(_server.Get($"{Core}/events?fieldSelector=involvedObject.name%3Dp,involvedObject.kind%3DPod,reason%3DR")));
        Assert.Empty(CrudTests.Names(_server.Get($"{Core}/events?fieldSelector=involvedObject.name%3Dq")));
    }

    [Fact]
    public void A_stateful_set_may_mount_the_volumes_of_its_claims()
    {
        var path = "/apis/apps/v1/namespaces/default/statefulsets";
        var spec = """{"serviceName":"s","selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i","volumeMounts":[{"name":"VOLUME","mountPath":"/d"}]}]}},"volumeClaimTemplates":[{"metadata":{"name":"d"},"spec":{}}]}""";
        Assert.Equal("OrderedReady", (string)_server.Post(path, $$"""{"metadata":{"name":"s"},"spec":{{spec.Replace("VOLUME", "d")}}}""").Object["spec"]!["podManagementPolicy"]!);
        _server.Post(path, $$"""{"metadata":{"name":"t"},"spec":{{spec.Replace("VOLUME", "e")}}}""").Fails(422, "Invalid", "volumeMounts[0].name: Not found: \"e\"");
        _server.Patch($"{path}/s", """{"spec":{"serviceName":"other"}}""").Fails(422, "Invalid", "updates to statefulset spec for fields other than");
    }
}
