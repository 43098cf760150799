using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

public sealed class DiscoveryTests : IDisposable
{
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public void Groups_and_resources_are_listed_in_the_older_form()
    {
        Assert.Equal("v1", (string)_server.Get("/api").Object["versions"]![0]!);
        var groups = _server.Get("/apis").Object["groups"]!.AsArray().Select(static g => (string)g!["name"]!).ToList();
        Assert.Contains("batch", groups);
        Assert.DoesNotContain("", groups);
        Assert.Equal("batch/v1", (string)_server.Get("/apis/batch").Object["preferredVersion"]!["groupVersion"]!);
        var names = _server.Get("/api/v1").Object["resources"]!.AsArray().Select(static r => (string)r!["name"]!).ToList();
        Assert.Contains("pods/log", names);
        Assert.Contains("pods/status", names);
        Assert.Equal(404, (int)_server.Get("/apis/none").Code);
    }

    [Fact]
    public void The_aggregated_form_holds_everything_in_one_document()
    {
        var answer = _server.Get("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json").Object;
        Assert.Equal("apidiscovery.k8s.io/v2", (string)answer["apiVersion"]!);
        var jobs = answer["items"]!.AsArray().Single(static g => (string)g!["metadata"]!["name"]! == "batch")!["versions"]![0]!["resources"]![0]!;
        Assert.Equal("jobs", (string)jobs["resource"]!);
        Assert.Equal("Namespaced", (string)jobs["scope"]!);
        Assert.Equal("status", (string)jobs["subresources"]![0]!["subresource"]!);
        Assert.Single(_server.Get("/api", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList").Object["items"]!.AsArray());
    }

    [Fact]
    public void Versions_of_a_group_stand_in_order_of_preference()
    {
        var order = new[] { "v1alpha1", "v1", "v2beta1", "v2", "v1beta1", "other" };
        Assert.Equal(["v2", "v1", "v2beta1", "v1beta1", "v1alpha1", "other"], order.Order(KubeVersionOrder.Instance));
    }

    [Fact]
    public void Open_api_says_that_fields_are_validated_here()
    {
        var document = _server.Get("/openapi/v3/apis/batch/v1").Object;
        var patch = document["paths"]!["/apis/batch/v1/namespaces/{namespace}/jobs/{name}"]!["patch"]!;
        Assert.Contains(patch["parameters"]!.AsArray(), static p => (string)p!["name"]! == "fieldValidation");
        Assert.Equal("Job", (string)patch["x-kubernetes-group-version-kind"]!["kind"]!);
        Assert.NotNull(_server.Get("/openapi/v3").Object["paths"]!["apis/batch/v1"]);
    }

    [Fact]
    public void The_owner_may_do_everything()
    {
        var review = _server.Post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", """{"spec":{"resourceAttributes":{"verb":"create","resource":"pods"}}}""").Object;
        Assert.True((bool)review["status"]!["allowed"]!);
        Assert.Equal("create", (string)review["spec"]!["resourceAttributes"]!["verb"]!);
    }

    [Fact]
    public void The_server_says_that_it_lives()
    {
        Assert.Equal("ok", _server.Get("/readyz").Text);
        Assert.EndsWith("+kubempi", (string)_server.Get("/version").Object["gitVersion"]!);
    }
}
