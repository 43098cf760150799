namespace Kube.ApiServer.Tests;

public sealed class WorkloadTests : IDisposable
{
    private const string Groups = "/apis/scheduling.k8s.io/v1alpha2/namespaces/default/podgroups";
    private const string Workloads = "/apis/scheduling.k8s.io/v1alpha2/namespaces/default/workloads";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public void A_gang_is_described_once_and_stays_so()
    {
        Assert.Equal(201, (int)_server.Post(Workloads, """{"metadata":{"name":"w"},"spec":{"podGroupTemplates":[{"name":"pods","schedulingPolicy":{"gang":{"minCount":2}}}]}}""").Code);
        Assert.Equal(201, (int)_server.Post(Groups,
            """{"metadata":{"name":"g"},"spec":{"podGroupTemplateRef":{"workload":{"workloadName":"w","podGroupTemplateName":"pods"}},"schedulingPolicy":{"gang":{"minCount":2}},"priorityClassName":"high"}}""").Code);
        Assert.Equal("high", (string)_server.Get($"{Groups}/g").Object["spec"]!["priorityClassName"]!);
        _server.Patch($"{Groups}/g", """{"spec":{"schedulingPolicy":{"gang":{"minCount":3}}}}""").Fails(422, "Invalid", "spec.schedulingPolicy: Invalid value: ");
        _server.Patch($"{Groups}/g/status", """{"status":{"conditions":[{"type":"PodGroupScheduled","status":"True"}]}}""");
        Assert.Equal("True", (string)_server.Get($"{Groups}/g").Object["status"]!["conditions"]![0]!["status"]!);
    }

    [Theory]
    [InlineData("""{}""", "spec.schedulingPolicy: Invalid value: null: must specify exactly one of: `basic`, `gang`")]
    [InlineData("""{"schedulingPolicy":{"basic":{},"gang":{"minCount":1}}}""", "must specify exactly one of: `basic`, `gang`")]
    [InlineData("""{"schedulingPolicy":{"gang":{}}}""", "spec.schedulingPolicy.gang.minCount: Invalid value: 0: must be greater than or equal to 1")]
    public void A_group_has_exactly_one_policy(string spec, string fault) => _server.Post(Groups, $$"""{"metadata":{"name":"g"},"spec":{{spec}} }""").Fails(422, "Invalid", fault);

    [Fact]
    public void The_stable_version_of_the_group_is_preferred() =>
        Assert.Equal("scheduling.k8s.io/v1", (string)_server.Get("/apis/scheduling.k8s.io").Object["preferredVersion"]!["groupVersion"]!);
}
