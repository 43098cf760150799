using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class EndpointsPlannerTests
{
    [Fact]
    public void Ready_and_unready_pods_stand_apart_and_finished_ones_nowhere()
    {
        var service = A.Service("s", ("app", "x")).Port(80).Build();
        var endpoints = EndpointsPlanner.Endpoints(service, Views(A.Pod("a").Ip("10.0.0.1").Ready(), A.Pod("b").Ip("10.0.0.2"), A.Pod("c").Ip("10.0.0.3").Phase("Succeeded"), A.Pod("d")));
        Assert.Equal(
            """[{"addresses":[{"ip":"10.0.0.1","targetRef":{"kind":"Pod","name":"a","namespace":"default","uid":""}}],"notReadyAddresses":[{"ip":"10.0.0.2","targetRef":{"kind":"Pod","name":"b","namespace":"default","uid":""}}],"ports":[{"port":80,"protocol":"TCP"}]}]""",
            endpoints["subsets"]!.ToJsonString());
    }

    [Fact]
    public void A_service_that_publishes_pods_in_any_state_lists_the_unready_as_ready()
    {
        var service = A.Service("s", ("app", "x")).With("spec.publishNotReadyAddresses", "true").With("spec.clusterIP", "\"None\"").Build();
        var pods = Views(A.Pod("a").Ip("10.0.0.1").With("metadata.deletionTimestamp", "\"2026-03-01T00:00:00Z\""));
        Assert.Equal("10.0.0.1", EndpointsPlanner.Endpoints(service, pods)["subsets"]![0]!["addresses"]![0]!["ip"]!.GetValue<string>());
        var slice = Assert.Single(EndpointsPlanner.Slices(service, pods));
        Assert.Equal("""{"ready":true,"serving":false,"terminating":true}""", slice["endpoints"]![0]!["conditions"]!.ToJsonString());
        Assert.Equal("", slice["metadata"]!["labels"]![EndpointsPlanner.HeadlessLabel]!.GetValue<string>());
    }

    [Fact]
    public void Only_the_service_that_is_the_pods_subdomain_gives_it_a_name()
    {
        var pod = Views(A.Pod("a").Ip("10.0.0.1").Ready().With("spec.hostname", "\"worker-0\"").With("spec.subdomain", "\"mine\""));
        string? HostnameIn(string service) => (string?)EndpointsPlanner.Slices(A.Service(service, ("app", "x")), pod)[0]["endpoints"]![0]!["hostname"];
        Assert.Equal("worker-0", HostnameIn("mine"));
        Assert.Null(HostnameIn("other"));
    }

    [Fact]
    public void A_target_port_by_name_is_each_pods_own()
    {
        var service = A.Service("s", ("app", "x")).With("spec.ports", """[{"name":"web","port":80,"targetPort":"http"}]""").Build();
        var endpoints = EndpointsPlanner.Endpoints(service, Views(A.Pod("a").Ip("10.0.0.1").Ready().Port(8080, "http"), A.Pod("b").Ip("10.0.0.2").Ready().Port(9090, "http"), A.Pod("c").Ip("10.0.0.3").Ready()));
        Assert.Equal([8080, 9090], endpoints["subsets"]!.AsArray().Select(s => (long)s!["ports"]![0]!["port"]!));
    }

    [Fact]
    public void A_slice_holds_at_most_a_hundred_endpoints_and_names_do_not_change()
    {
        var service = A.Service("s", ("app", "x")).Uid("u").Build();
        var pods = Views([.. Enumerable.Range(0, 250).Select(i => A.Pod($"p{i:000}").Ip($"10.0.1.{i}").Ready())]);
        var slices = EndpointsPlanner.Slices(service, pods);
        Assert.Equal([100, 100, 50], slices.Select(s => s["endpoints"]!.AsArray().Count));
        Assert.Equal(slices.Select(Name), EndpointsPlanner.Slices(service, pods).Select(Name));
        Assert.Equal(3, slices.Select(Name).Distinct().Count());
    }

    private static string Name(System.Text.Json.Nodes.JsonObject o) => (string)o["metadata"]!["name"]!;
    private static PodView[] Views(params ObjectBuilder[] pods) => [.. pods.Select(p => new PodView(p.Build()))];
}
