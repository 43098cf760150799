using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer.Tests;

public sealed class PodTests : IDisposable
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private readonly TestServer _server = new(static o => o with { PodLogs = new Logs() });

    public void Dispose() => _server.Dispose();

    private Answer Create(string spec = "", string name = "p", string container = "") =>
        _server.Post(Pods, $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"containers":[{"name":"c","image":"busybox"{{{container}}} }]{{{spec}}} }}""");

    [Fact]
    public void A_pod_gets_the_defaults_that_clients_rely_on()
    {
        var pod = Create(""","volumes":[{"name":"s","secret":{"secretName":"s"}},{"name":"e"}]""", container: ""","readinessProbe":{"httpGet":{"port":80}}""").Object;
        var spec = pod["spec"]!;
        Assert.Equal("Always", (string)spec["restartPolicy"]!);
        Assert.Equal(30, (int)spec["terminationGracePeriodSeconds"]!);
        Assert.Equal("ClusterFirst", (string)spec["dnsPolicy"]!);
        Assert.Equal("default-scheduler", (string)spec["schedulerName"]!);
        Assert.Equal("default", (string)spec["serviceAccountName"]!);
        Assert.Equal("default", (string)spec["serviceAccount"]!);
        Assert.True((bool)spec["enableServiceLinks"]!);
        Assert.Equal("{}", spec["securityContext"]!.ToJsonString());
        Assert.Equal(0, (int)spec["priority"]!);
        Assert.Equal(300, (int)spec["tolerations"]![0]!["tolerationSeconds"]!);
        Assert.Equal(420, (int)spec["volumes"]![0]!["secret"]!["defaultMode"]!);
        Assert.Equal("{}", spec["volumes"]![1]!["emptyDir"]!.ToJsonString());
        var container = spec["containers"]![0]!;
        Assert.Equal("/dev/termination-log", (string)container["terminationMessagePath"]!);
        Assert.Equal("File", (string)container["terminationMessagePolicy"]!);
        Assert.Equal("Always", (string)container["imagePullPolicy"]!);
        Assert.Equal("""{"httpGet":{"port":80,"path":"/","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3}""", container["readinessProbe"]!.ToJsonString());
        Assert.Equal("""{"phase":"Pending","qosClass":"BestEffort"}""", pod["status"]!.ToJsonString());
        Assert.Equal(1, (int)pod["metadata"]!["generation"]!);
    }

    [Theory]
    [InlineData("busybox:1.36", "IfNotPresent")]
    [InlineData("host:5000/busybox", "Always")]
    [InlineData("busybox:latest", "Always")]
    [InlineData("busybox@sha256:0123", "IfNotPresent")]
    public void The_pull_policy_follows_the_tag(string image, string policy)
    {
        var pod = _server.Post(Pods, $$$"""{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"{{{image}}}"}]}}""").Object;
        Assert.Equal(policy, (string)pod["spec"]!["containers"]![0]!["imagePullPolicy"]!);
    }

    [Theory]
    [InlineData("""{"limits":{"cpu":"1","memory":"1Gi"}}""", "Guaranteed")]
    [InlineData("""{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"1000m","memory":"1Gi"}}""", "Guaranteed")]
    [InlineData("""{"requests":{"cpu":"1"}}""", "Burstable")]
    [InlineData("""{"limits":{"example.com/gpu":"1"}}""", "BestEffort")]
    public void The_quality_of_service_follows_the_resources(string resources, string quality) =>
        Assert.Equal(quality, (string)Create(container: $""","resources":{resources}""").Object["status"]!["qosClass"]!);

    [Fact]
    public void Limits_that_are_not_requested_are_requested() =>
        Assert.Equal("2", (string)Create(container: ""","resources":{"limits":{"cpu":"2"}}""").Object["spec"]!["containers"]![0]!["resources"]!["requests"]!["cpu"]!);

    [Theory]
    [InlineData("""{"containers":[]}""", "spec.containers: Required value")]
    [InlineData("""{"containers":[{"name":"A","image":"i"}]}""", "spec.containers[0].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of")]
    [InlineData("""{"containers":[{"name":"a","image":"i"},{"name":"a","image":"i"}]}""", "spec.containers[1].name: Duplicate value: \"a\"")]
    [InlineData("""{"containers":[{"name":"a"}]}""", "spec.containers[0].image: Required value")]
    [InlineData("""{"containers":[{"name":"a","image":"i","volumeMounts":[{"name":"v","mountPath":"/v"}]}]}""", "spec.containers[0].volumeMounts[0].name: Not found: \"v\"")]
    [InlineData("""{"containers":[{"name":"a","image":"i"}],"restartPolicy":"Sometimes"}""", "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"")]
    [InlineData("""{"containers":[{"name":"a","image":"i","resources":{"limits":{"cpu":"1"},"requests":{"cpu":"2"}}}]}""", "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1")]
    [InlineData("""{"containers":[{"name":"a","image":"i","ports":[{"containerPort":70000}]}]}""", "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive")]
    public void A_wrong_pod_is_refused_with_the_field(string spec, string message) =>
        _server.Post(Pods, $$"""{"metadata":{"name":"p"},"spec":{{spec}}}""").Fails(422, "Invalid", message);

    [Fact]
    public void All_faults_come_at_once_with_their_causes()
    {
        var refused = _server.Post(Pods, """{"metadata":{"name":"p"},"spec":{"containers":[{"image":"i"},{"name":"b"}]}}""").Fails(422, "Invalid",
            "Pod \"p\" is invalid: [spec.containers[0].name: Required value, spec.containers[1].image: Required value]");
        Assert.Equal(["spec.containers[0].name", "spec.containers[1].image"], refused.Json["details"]!["causes"]!.AsArray().Select(static c => (string)c!["field"]!));
        Assert.Equal("FieldValueRequired", (string)refused.Json["details"]!["causes"]![0]!["reason"]!);
    }

    [Fact]
    public void What_admission_filled_in_need_not_be_said_again()
    {
        var made = Create().Object;
        var bare = (JsonObject)made.DeepClone();
        foreach (var member in new[] { "tolerations", "priority", "preemptionPolicy" }) Assert.True(bare["spec"]!.AsObject().Remove(member));
        var replaced = _server.Put($"{Pods}/p", bare).Object;
        Assert.True(JsonNode.DeepEquals(made["spec"], replaced["spec"]), replaced["spec"]!.ToJsonString());
    }

    [Fact]
    public void Nothing_but_images_deadline_and_tolerations_changes_in_a_pod()
    {
        Create();
        _server.Patch($"{Pods}/p", """{"spec":{"hostname":"h"}}""").Fails(422, "Invalid", "spec: Forbidden: pod updates may not change fields other than");
        _server.Patch($"{Pods}/p", """{"spec":{"tolerations":[{"key":"mine","operator":"Exists"}]}}""");
        _server.Patch($"{Pods}/p", """{"spec":{"tolerations":[{"key":"other","operator":"Exists"}]}}""").Fails(422, "Invalid", "existing toleration can not be modified");
        var changed = _server.Patch($"{Pods}/p", """{"spec":{"containers":[{"name":"c","image":"other"}],"activeDeadlineSeconds":5}}""", "application/strategic-merge-patch+json").Object;
        Assert.Equal("other", (string)changed["spec"]!["containers"]![0]!["image"]!);
        Assert.Equal(3, (int)changed["metadata"]!["generation"]!);
        _server.Patch($"{Pods}/p", """{"spec":{"activeDeadlineSeconds":6}}""").Fails(422, "Invalid", "must be less than or equal to previous value");
    }

    [Fact]
    public void The_status_is_written_by_its_own_subresource_only()
    {
        Create();
        Assert.Equal("Pending", (string)_server.Patch($"{Pods}/p", """{"status":{"phase":"Running"}}""").Object["status"]!["phase"]!);
        var status = _server.Patch($"{Pods}/p/status", """{"status":{"phase":"Running"},"spec":{"hostname":"h"},"metadata":{"labels":{"l":"v"}}}""", "application/strategic-merge-patch+json").Object;
        Assert.Equal("Running", (string)status["status"]!["phase"]!);
        Assert.Null(status["spec"]!["hostname"]);
        Assert.Equal("v", (string)status["metadata"]!["labels"]!["l"]!);
        Assert.Equal(1, (int)status["metadata"]!["generation"]!);
    }

    [Fact]
    public void A_pod_that_runs_nowhere_is_deleted_at_once_and_the_answer_is_the_pod()
    {
        Create();
        Assert.Equal("Pod", (string)_server.Delete($"{Pods}/p").Object["kind"]!);
        _server.Get($"{Pods}/p").Fails(404, "NotFound");
    }

    [Fact]
    public void A_pod_on_a_node_waits_for_its_grace_until_the_node_confirms()
    {
        Create();
        Bind("p", "n");
        using var watch = _server.Watch($"{Pods}?watch=1");
        var marked = _server.Delete($"{Pods}/p").Object["metadata"]!;
        Assert.Equal("2026-03-01T09:00:30Z", (string)marked["deletionTimestamp"]!);
        Assert.Equal(30, (int)marked["deletionGracePeriodSeconds"]!);

        var again = _server.Delete($"{Pods}/p").Object["metadata"]!;
        Assert.Equal((string)marked["resourceVersion"]!, (string)again["resourceVersion"]!);
        Assert.Equal("2026-03-01T09:00:05Z", (string)_server.Delete($"{Pods}/p", """{"gracePeriodSeconds":5}""").Object["metadata"]!["deletionTimestamp"]!);
        _server.Delete($"{Pods}/p", """{"gracePeriodSeconds":0}""");
        _server.Get($"{Pods}/p").Fails(404, "NotFound");
        Assert.Equal(["ADDED p", "MODIFIED p", "MODIFIED p", "DELETED p"], watch.Lines);
    }

    [Fact]
    public void A_pod_that_has_ended_is_deleted_at_once()
    {
        Create();
        Bind("p", "n");
        _server.Patch($"{Pods}/p/status", """{"status":{"phase":"Succeeded"}}""");
        _server.Delete($"{Pods}/p");
        _server.Get($"{Pods}/p").Fails(404, "NotFound");
    }

    [Fact]
    public void A_finalizer_outlives_the_nodes_confirmation()
    {
        Create();
        Bind("p", "n");
        _server.Patch($"{Pods}/p", """{"metadata":{"finalizers":["batch.kubernetes.io/job-tracking"]}}""");
        _server.Delete($"{Pods}/p");
        _server.Patch($"{Pods}/p", """{"metadata":{"finalizers":null}}""");
        Assert.Equal(30, (int)_server.Get($"{Pods}/p").Object["metadata"]!["deletionGracePeriodSeconds"]!);
        _server.Delete($"{Pods}/p", """{"gracePeriodSeconds":0}""");
        _server.Get($"{Pods}/p").Fails(404, "NotFound");
    }

    [Fact]
    public void A_binding_gives_the_pod_to_a_node_once()
    {
        Create();
        Bind("p", "n");
        var pod = _server.Get($"{Pods}/p").Object;
        Assert.Equal("n", (string)pod["spec"]!["nodeName"]!);
        Assert.Equal("True", (string)pod["status"]!["conditions"]![0]!["status"]!);
        Assert.Equal(["p"], CrudTests.Names(_server.Get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn,status.phase%3DPending")));
        _server.Post($"{Pods}/p/binding", """{"target":{"name":"m"}}""").Fails(409, "Conflict", "pod p is already assigned to node \"n\"");
    }

    [Fact]
    public void An_eviction_deletes_unless_a_budget_is_used_up()
    {
        _server.Post(Pods, """{"metadata":{"name":"p","labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        _server.Post("/apis/policy/v1/namespaces/default/poddisruptionbudgets", """{"metadata":{"name":"b"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}}}""");
        _server.Post($"{Pods}/p/eviction", """{"metadata":{"name":"p"}}""").Fails(429, "TooManyRequests", "Cannot evict pod");
        _server.Delete("/apis/policy/v1/namespaces/default/poddisruptionbudgets/b");
        Assert.Equal(201, (int)_server.Post($"{Pods}/p/eviction", """{"metadata":{"name":"p"}}""").Code);
        _server.Get($"{Pods}/p").Fails(404, "NotFound");
    }

    [Fact]
    public void A_priority_class_becomes_a_priority()
    {
        _server.Post("/apis/scheduling.k8s.io/v1/priorityclasses", """{"metadata":{"name":"high"},"value":100,"preemptionPolicy":"Never"}""");
        var spec = Create(""","priorityClassName":"high" """).Object["spec"]!;
        Assert.Equal(100, (int)spec["priority"]!);
        Assert.Equal("Never", (string)spec["preemptionPolicy"]!);
        Create(""","priorityClassName":"none" """, "q").Fails(403, "Forbidden", "no PriorityClass with name none was found");
    }

    [Fact]
    public void Logs_come_from_the_node_with_their_options()
    {
        Create();
        Assert.Equal((HttpStatusCode.NoContent, ""), (_server.Get($"{Pods}/p/log").Code, _server.Get($"{Pods}/p/log").Text));
        Bind("p", "n");
        Assert.Equal("default/p/c on n follow=True tail=3 previous=False since=2026-03-01T08:59:50Z", _server.Get($"{Pods}/p/log?follow=true&tailLines=3&sinceSeconds=10").Text);
        _server.Get($"{Pods}/p/log?container=x").Fails(400, "BadRequest", "container x is not valid for pod p");
        _server.Get($"{Pods}/none/log").Fails(404, "NotFound");
    }

    // As kube-apiserver 1.35 answers, the pod being none.
    [Theory]
    [InlineData("tailLines=-1", "PodLogOptions \"none\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("limitBytes=0", "PodLogOptions \"none\" is invalid: limitBytes: Invalid value: 0: must be greater than 0")]
    [InlineData("sinceSeconds=0", "PodLogOptions \"none\" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0")]
    [InlineData("sinceSeconds=5&sinceTime=2020-01-01T00:00:00Z", "PodLogOptions \"none\" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified")]
    [InlineData("tailLines=-1&limitBytes=0", "PodLogOptions \"none\" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, limitBytes: Invalid value: 0: must be greater than 0]")]
    [InlineData("stream=Stdout", "PodLogOptions \"none\" is invalid: stream: Forbidden: may not be specified")]
    public void Log_options_are_checked_all_at_once(string query, string message) => _server.Get($"{Pods}/none/log?{query}").Fails(422, "Invalid", message);

    [Fact]
    public void A_pod_with_several_containers_must_be_asked_for_one()
    {
        _server.Post(Pods, """{"metadata":{"name":"p"},"spec":{"initContainers":[{"name":"i","image":"i"}],"containers":[{"name":"a","image":"i"},{"name":"b","image":"i"}]}}""");
        _server.Get($"{Pods}/p/log").Fails(400, "BadRequest", "a container name must be specified for pod p, choose one of: [i a b]");
    }

    private void Bind(string pod, string node) =>
        Assert.Equal(201, (int)_server.Post($"{Pods}/{pod}/binding", $$$"""{"apiVersion":"v1","kind":"Binding","metadata":{"name":"{{{pod}}}"},"target":{"kind":"Node","name":"{{{node}}}"}}""").Code);

    private sealed class Logs : IPodLogSource
    {
        public ValueTask<Stream> OpenAsync(PodContainer of, PodLogOptions options, CancellationToken cancellation) =>
            new(new MemoryStream(Encoding.UTF8.GetBytes(
                $"{of.Namespace}/{of.Pod}/{of.Container} on {of.Node} follow={options.Follow} tail={options.TailLines} previous={options.Previous} since={KubeTime.Format(options.Since!.Value)}")));
    }
}
