using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Operator.Tests;

public sealed class ConversionReviewTests
{
    /// <summary>Says which version it was, and refuses what is called bad.</summary>
    private static JsonObject Convert(JsonObject obj, string apiVersion)
    {
        if ((string?)obj["metadata"]?["name"] == "bad") throw new InvalidOperationException("spec.gpus is no number");
        obj["was"] = (string?)obj["apiVersion"];
        obj["apiVersion"] = apiVersion;
        return obj;
    }

    private static (ConversionAnswer Answer, JsonObject Response) Ask(string body)
    {
        var answer = ConversionReview.Answer(Encoding.UTF8.GetBytes(body), Convert);
        return (answer, (JsonObject)((JsonObject)JsonNode.Parse(answer.Body.Span)!)["response"]!);
    }

    private static string Review(string objects, string desired = "kubeflow.org/v2beta1") =>
        $$$"""{"kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1", "request": {"uid": "u-1", "desiredAPIVersion": "{{{desired}}}", "objects": {{{objects}}} } }""";

    private static string Job(string name, string version = "v1", string more = "") =>
        $$"""{"apiVersion": "kubeflow.org/{{version}}", "kind": "MPIJob", "metadata": {"name": "{{name}}", "namespace": "default"}{{more}} }""";

    [Fact]
    public void A_list_of_several_versions_comes_back_whole_and_in_order()
    {
        var (answer, response) = Ask(Review($"[{Job("a")}, {Job("b", "v1alpha2")}, {Job("c", "v1alpha1")}]"));
        Assert.Equal(200, answer.Code);
        Assert.Null(answer.Failure);
        Assert.Equal("u-1", (string?)response["uid"]);
        Assert.Equal("Success", (string?)response["result"]!["status"]);
        var converted = response["convertedObjects"]!.AsArray();
        Assert.Equal(["a", "b", "c"], converted.Select(static o => (string?)o!["metadata"]!["name"]));
        Assert.Equal(["kubeflow.org/v1", "kubeflow.org/v1alpha2", "kubeflow.org/v1alpha1"], converted.Select(static o => (string?)o!["was"]));
        Assert.All(converted, static o => Assert.Equal("kubeflow.org/v2beta1", (string?)o!["apiVersion"]));
    }

    [Fact]
    public void Members_may_come_in_any_order_and_unknown_ones_are_passed_over()
    {
        var (_, response) = Ask($$$"""{"x": [{"y": 1}], "request": {"objects": [{{{Job("a")}}}], "z": {"objects": []}, "desiredAPIVersion": "kubeflow.org/v1alpha2", "uid": "late"}, "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview"}""");
        Assert.Equal("late", (string?)response["uid"]);
        Assert.Equal("kubeflow.org/v1alpha2", (string?)response["convertedObjects"]![0]!["apiVersion"]);
    }

    [Fact]
    public void No_object_at_all_is_a_success() => Assert.Empty(Ask(Review("[]")).Response["convertedObjects"]!.AsArray());

    [Fact]
    public void One_object_that_cannot_be_converted_is_named_with_the_reason_and_nothing_else_is_answered()
    {
        var (answer, response) = Ask(Review($"[{Job("a")}, {Job("bad")}, {Job("c")}]"));
        Assert.Equal(200, answer.Code);
        Assert.Equal("Failure", (string?)response["result"]!["status"]);
        Assert.Equal("object 2 (kubeflow.org/v1 MPIJob default/bad) cannot be converted to kubeflow.org/v2beta1: spec.gpus is no number", (string?)response["result"]!["message"]);
        Assert.Null(response["convertedObjects"]);
        Assert.Equal(answer.Failure, (string?)response["result"]!["message"]);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("[null]")]
    [InlineData("[[]]")]
    [InlineData("[{\"metadata\": {\"name\": 7}, \"metadata\": {}}]")]
    [InlineData("[{\"metadata\": \"\\ud800\"}]")]
    public void What_is_no_object_is_a_failure_with_the_requests_uid(string objects)
    {
        var (answer, response) = Ask(Review(objects));
        Assert.Equal((200, "u-1", "Failure"), (answer.Code, (string?)response["uid"], (string?)response["result"]!["status"]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("{\"kind\": \"ConversionReview\", \"apiVersion\": \"apiextensions.k8s.io/v1\"}")]
    [InlineData("{\"kind\": \"ConversionReview\", \"apiVersion\": \"apiextensions.k8s.io/v1\", \"request\": null}")]
    [InlineData("{\"kind\": \"ConversionReview\", \"apiVersion\": \"apiextensions.k8s.io/v1\", \"request\": {\"uid\": \"u\", \"desiredAPIVersion\": \"v\", \"objects\": 7}}")]
    [InlineData("{\"kind\": \"ConversionReview\", \"apiVersion\": \"apiextensions.k8s.io/v1\", \"request\": {\"uid\": \"u\", \"objects\": []}}")]
    [InlineData("{\"kind\": \"ConversionReview\", \"apiVersion\": \"apiextensions.k8s.io/v1beta1\", \"request\": {\"uid\": \"u\", \"desiredAPIVersion\": \"v\", \"objects\": []}}")]
    [InlineData("{\"kind\": \"ConversionReview\", \"apiVersion\": \"apiextensions.k8s.io/v1\", \"request\": {\"uid\": \"u\", \"desiredAPIVersion\": \"v\", \"objects\": []}} {}")]
    public void What_is_no_review_is_refused_in_an_API_status(string body)
    {
        var answer = ConversionReview.Answer(Encoding.UTF8.GetBytes(body), Convert);
        Assert.Equal(400, answer.Code);
        Assert.Contains("the body is no ConversionReview", KubeObject.Parse(answer.Body).Root.Text("message"), StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_spoilt_at_any_place_are_answered_and_nothing_is_thrown()
    {
        var good = Encoding.UTF8.GetBytes(Review($"[{Job("a", more: ", \"spec\": {\"x\": [1, \"\\u00e9\", {\"y\": null}]}")}]"));
        var random = new Random(7);
        for (var run = 0; run < 5_000; run++)
        {
            var body = good.ToArray();
            for (var spot = 0; spot <= random.Next(3); spot++) body[random.Next(body.Length)] = (byte)random.Next(256);
            var answer = ConversionReview.Answer(body.AsSpan(0, random.Next(4) == 0 ? random.Next(body.Length) : body.Length), Convert);
            Assert.True(answer.Code is 200 or 400);
            KubeObject.Parse(answer.Body);
        }
    }

    [Fact]
    public void Nesting_beyond_every_bound_is_refused()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 5_000)) + string.Concat(Enumerable.Repeat("]", 5_000));
        Assert.NotNull(ConversionReview.Answer(Encoding.UTF8.GetBytes(Review($"[{Job("a", more: $", \"spec\": {deep}")}]")), Convert).Failure);
    }

    [Fact]
    public void A_converter_that_makes_another_version_is_not_believed()
    {
        var answer = ConversionReview.Answer(Encoding.UTF8.GetBytes(Review($"[{Job("a")}]")), static (obj, _) => obj);
        Assert.Contains("it became kubeflow.org/v1", answer.Failure, StringComparison.Ordinal);
    }
}
