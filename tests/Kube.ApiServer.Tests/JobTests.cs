using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

public sealed class JobTests : IDisposable
{
    private const string Jobs = "/apis/batch/v1/namespaces/default/jobs";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    private Answer Create(string spec = "", string policy = "Never") =>
        _server.Post(Jobs, $$$$"""{"metadata":{"name":"j"},"spec":{"template":{"spec":{"restartPolicy":"{{{{policy}}}}","containers":[{"name":"c","image":"i"}]}}{{{{spec}}}}}}""");

    [Fact]
    public void A_job_gets_defaults_labels_and_a_selector_of_its_own()
    {
        var job = Create().Object;
        var spec = job["spec"]!;
        Assert.Equal([1, 1, 6], [(int)spec["parallelism"]!, (int)spec["completions"]!, (int)spec["backoffLimit"]!]);
        Assert.Equal("NonIndexed", (string)spec["completionMode"]!);
        Assert.Equal("TerminatingOrFailed", (string)spec["podReplacementPolicy"]!);
        Assert.False((bool)spec["suspend"]!);
        var uid = (string)job["metadata"]!["uid"]!;
        Assert.Equal(uid, (string)spec["selector"]!["matchLabels"]!["batch.kubernetes.io/controller-uid"]!);
        var labels = spec["template"]!["metadata"]!["labels"]!;
        Assert.Equal(uid, (string)labels["controller-uid"]!);
        Assert.Equal("j", (string)labels["job-name"]!);
        Assert.Equal("j", (string)labels["batch.kubernetes.io/job-name"]!);
        Assert.True(JsonNode.DeepEquals(labels, job["metadata"]!["labels"]));
    }

    [Fact]
    public void Parallelism_alone_makes_a_work_queue() => Assert.Null(Create(""","parallelism":3""").Object["spec"]!["completions"]);

    [Theory]
    [InlineData("", "Always", "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"")]
    [InlineData(""","backoffLimit":-1""", "Never", "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData(""","completionMode":"Indexed","parallelism":2""", "Never", "spec.completions: Required value: when completion mode is Indexed")]
    public void A_wrong_job_is_refused(string spec, string policy, string message) => Create(spec, policy).Fails(422, "Invalid", "Job.batch \"j\" is invalid: " + message);

    [Fact]
    public void The_template_is_immutable_but_for_scheduling_while_suspended()
    {
        Create(""","suspend":true""");
        var place = """{"spec":{"template":{"spec":{"nodeSelector":{"a":"b"}},"metadata":{"annotations":{"x":"y"}}}}}""";
        Assert.Equal(2, (int)_server.Patch($"{Jobs}/j", place).Object["metadata"]!["generation"]!);
        _server.Patch($"{Jobs}/j", """{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"other"}]}}}}""").Fails(422, "Invalid", "spec.template: Invalid value");
        Assert.Equal(3, (int)_server.Patch($"{Jobs}/j", """{"spec":{"suspend":false}}""").Object["metadata"]!["generation"]!);
        _server.Patch($"{Jobs}/j", """{"spec":{"template":{"spec":{"nodeSelector":{"a":"c"}}}}}""").Fails(422, "Invalid", "field is immutable");
        _server.Patch($"{Jobs}/j", """{"spec":{"completions":2}}""").Fails(422, "Invalid", "spec.completions: Invalid value: 2: field is immutable");
        Assert.Equal(3, (int)_server.Patch($"{Jobs}/j", """{"spec":{"parallelism":3}}""").Object["spec"]!["parallelism"]!);
    }

    [Fact]
    public void An_indexed_job_scales_completions_with_parallelism()
    {
        Create(""","completionMode":"Indexed","parallelism":2,"completions":2""");
        Assert.Equal(4, (int)_server.Patch($"{Jobs}/j", """{"spec":{"completions":4,"parallelism":4}}""").Object["spec"]!["completions"]!);
    }

    [Fact]
    public void A_deletion_without_a_policy_is_in_the_background()
    {
        Create();
        Assert.Equal("Success", (string)_server.Delete($"{Jobs}/j").Object["status"]!);
    }
}
