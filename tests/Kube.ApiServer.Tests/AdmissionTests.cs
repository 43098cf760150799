using System.Net;
using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

public sealed class AdmissionTests : IDisposable
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private const string Ranges = "/api/v1/namespaces/default/limitranges";
    private const string Classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    private Answer Pod(string name, string resources = "{}", string spec = "") =>
        _server.Post(Pods, $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"containers":[{"name":"c","image":"i","resources":{{{resources}}} }]{{{spec}}} }}""");

    private void Range(string limits) => Assert.Equal(201, (int)_server.Post(Ranges, $$$"""{"metadata":{"name":"l"},"spec":{"limits":[{{{limits}}}]}}""").Code);

    private const string Container =
        """{"type":"Container","max":{"cpu":"2","memory":"1Gi"},"min":{"cpu":"100m"},"default":{"cpu":"500m"},"defaultRequest":{"cpu":"200m","memory":"64Mi"},"maxLimitRequestRatio":{"cpu":"4"}}""";

    [Fact]
    public void A_container_that_names_no_amounts_gets_those_of_the_limit_range()
    {
        Range(Container);
        var pod = Pod("p").Object;
        Assert.Equal("""{"requests":{"cpu":"200m","memory":"64Mi"},"limits":{"cpu":"500m","memory":"1Gi"}}""", pod["spec"]!["containers"]![0]!["resources"]!.ToJsonString());
        Assert.Equal("LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c", (string)pod["metadata"]!["annotations"]!["kubernetes.io/limit-ranger"]!);
        Assert.Equal("Burstable", (string)pod["status"]!["qosClass"]!);
    }

    [Theory]
    [InlineData("""{"limits":{"cpu":"5"}}""", "[maximum cpu usage per Container is 2, but limit is 5, maximum cpu usage per Pod is 3, but limit is 5]")]
    [InlineData("""{"requests":{"cpu":"50m"}}""", "[minimum cpu usage per Container is 100m, but request is 50m, cpu max limit to request ratio per Container is 4, but provided ratio is 10.000000]")]
    [InlineData("""{"limits":{"cpu":"1","memory":"2Gi"},"requests":{"cpu":"500m"}}""", "maximum memory usage per Container is 1Gi, but limit is 2Gi")]
    public void A_pod_outside_the_limits_is_refused(string resources, string why)
    {
        Range(Container + """,{"type":"Pod","max":{"cpu":"3"}}""");
        Assert.Equal($"pods \"p\" is forbidden: {why}", (string)Pod("p", resources).Fails(403, "Forbidden").Json["message"]!);
    }

    [Fact]
    public void A_claim_outside_the_limits_is_refused()
    {
        Range("""{"type":"PersistentVolumeClaim","min":{"storage":"1Gi"},"max":{"storage":"2Gi"}}""");
        Claim("5Gi").Fails(403, "Forbidden", "persistentvolumeclaims \"x\" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 5Gi");
        Claim("5Mi").Fails(403, "Forbidden", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 5Mi");
        Assert.Equal(HttpStatusCode.Created, Claim("1Gi").Code);

        Answer Claim(string size) => _server.Post("/api/v1/namespaces/default/persistentvolumeclaims",
            $$$$$"""{"metadata":{"name":"x"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"{{{{{size}}}}}"}}}}""");
    }

    [Fact]
    public void What_a_limit_range_allows_at_most_is_also_its_default()
    {
        var limit = _server.Post(Ranges, """{"metadata":{"name":"l"},"spec":{"limits":[{"type":"Container","max":{"cpu":"2"}}]}}""").Object["spec"]!["limits"]![0]!;
        Assert.Equal("""{"cpu":"2"}""", limit["default"]!.ToJsonString());
        Assert.Equal("""{"cpu":"2"}""", limit["defaultRequest"]!.ToJsonString());
    }

    [Fact]
    public void A_limit_range_that_contradicts_itself_is_refused()
    {
        const string Limits =
            """{"type":"Container","max":{"cpu":"2"},"min":{"cpu":3},"default":{"cpu":5},"maxLimitRequestRatio":{"memory":"500m"}},{"type":"Pod","default":{"cpu":1}},{"type":"Foo"},{"type":"Container"},{"type":"PersistentVolumeClaim"}""";
        var message = (string)_server.Post(Ranges, $$$"""{"metadata":{"name":"bad"},"spec":{"limits":[{{{Limits}}}]}}""").Fails(422, "Invalid").Json["message"]!;
        Assert.Equal(
            "LimitRange \"bad\" is invalid: [spec.limits[0].min[cpu]: Invalid value: \"3\": min value 3 is greater than max value 2, "
            + "spec.limits[0].defaultRequest[cpu]: Invalid value: \"5\": default request value 5 is greater than max value 2, "
            + "spec.limits[0].default[cpu]: Invalid value: \"2\": default value 5 is greater than max value 2, "
            + "spec.limits[0].maxLimitRequestRatio[memory]: Invalid value: \"500m\": ratio 500m is less than 1, "
            + "spec.limits[1].default: Forbidden: may not be specified when `type` is 'Pod', "
            + "spec.limits[2].type: Invalid value: \"Foo\": must be a standard limit type or fully qualified, "
            + "spec.limits[3].type: Duplicate value: \"Container\", "
            + "spec.limits[4].limits: Required value: either minimum or maximum storage value is required, but neither was provided]",
            message);
    }

    [Fact]
    public void A_pod_of_an_account_that_does_not_exist_is_refused() =>
        Pod("p", spec: ""","serviceAccountName":"nope" """).Fails(403, "Forbidden", "pods \"p\" is forbidden: error looking up service account default/nope: serviceaccount \"nope\" not found");

    [Fact]
    public void The_system_priority_classes_are_there_and_stay()
    {
        var spec = Pod("p", spec: ""","priorityClassName":"system-node-critical" """).Object["spec"]!;
        Assert.Equal(2_000_001_000, (int)spec["priority"]!);
        _server.Delete($"{Classes}/system-node-critical").Fails(403, "Forbidden", "this is a system priority class and cannot be deleted");
        _server.Post(Classes, """{"metadata":{"name":"system-foo"},"value":6}""").Fails(422, "Invalid", "error: system-foo is not a known system priority class");
        _server.Post(Classes, """{"metadata":{"name":"foo"},"value":2000000000}""").Fails(422, "Invalid", "maximum allowed value of a user defined priority is 1000000000");
    }

    [Fact]
    public void One_priority_class_may_be_the_default_and_is_given_to_pods_that_name_none()
    {
        _server.Post(Classes, """{"metadata":{"name":"a"},"value":5,"globalDefault":true}""");
        _server.Post(Classes, """{"metadata":{"name":"b"},"value":6,"globalDefault":true}""").Fails(403, "Forbidden", "PriorityClass a is already marked as default. Only one default can exist");
        var spec = Pod("p").Object["spec"]!;
        Assert.Equal("a", (string)spec["priorityClassName"]!);
        Assert.Equal(5, (int)spec["priority"]!);
    }

    [Fact]
    public void A_priority_that_is_not_the_classs_is_refused() =>
        Pod("p", spec: ""","priority":5""").Fails(403, "Forbidden", "the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name");

    [Theory]
    [InlineData("default")]
    [InlineData("kube-system")]
    public void The_systems_namespaces_stay(string ns) => _server.Delete($"/api/v1/namespaces/{ns}").Fails(403, "Forbidden", "this namespace may not be deleted");

    [Fact]
    public void Pods_find_the_api_server_by_its_service_and_know_it_by_its_authority()
    {
        const string Default = "/api/v1/namespaces/default";
        Assert.Equal("10.96.0.1", (string)_server.Get($"{Default}/services/kubernetes").Object["spec"]!["clusterIP"]!);
        _server.Post("/api/v1/namespaces", """{"metadata":{"name":"early"}}""");
        _server.Server.Publish(new ApiAddress(IPAddress.Parse("10.1.2.3"), 7443, "PEM"));
        _server.Post("/api/v1/namespaces", """{"metadata":{"name":"late"}}""");
        foreach (var ns in new[] { "default", "early", "late" })
        {
            Assert.Equal("PEM", (string)_server.Get($"/api/v1/namespaces/{ns}/configmaps/kube-root-ca.crt").Object["data"]!["ca.crt"]!);
        }

        Assert.Equal(7443, (int)_server.Get($"{Default}/services/kubernetes").Object["spec"]!["ports"]![0]!["targetPort"]!);
        Assert.Equal("10.1.2.3", (string)_server.Get($"{Default}/endpoints/kubernetes").Object["subsets"]![0]!["addresses"]![0]!["ip"]!);
        Assert.Equal("10.1.2.3", (string)_server.Get("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes").Object["endpoints"]![0]!["addresses"]![0]!);
        _server.Server.Publish(new ApiAddress(IPAddress.Parse("10.1.2.4"), 7443, "PEM2"));
        Assert.Equal("10.1.2.4", (string)_server.Get($"{Default}/endpoints/kubernetes").Object["subsets"]![0]!["addresses"]![0]!["ip"]!);
        Assert.Equal("PEM2", (string)_server.Get("/api/v1/namespaces/late/configmaps/kube-root-ca.crt").Object["data"]!["ca.crt"]!);
    }
}
