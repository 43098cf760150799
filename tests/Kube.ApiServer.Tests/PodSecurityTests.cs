using System.Net;
using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

/// <summary>What a namespace's labels ask of pods. The words of every rule are held to a real server's by the recording pod-security.txt.</summary>
public sealed class PodSecurityTests : IDisposable
{
    private const string Namespace = "/api/v1/namespaces/default";
    private const string Prefix = "pod-security.kubernetes.io/";

    private const string Strict = """
        {"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},
         "containers":[{"name":"c","image":"i","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]}
        """;

    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    private Answer Label(params (string Label, string? Value)[] labels) =>
        _server.Patch(Namespace, new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject(labels.Select(static l => KeyValuePair.Create(Prefix + l.Label, (JsonNode?)l.Value))) } }.ToJsonString());

    private Answer Pod(string name, string spec = """{"containers":[{"name":"c","image":"i"}]}""") =>
        _server.Post($"{Namespace}/pods", $$"""{"metadata":{"name":"{{name}}"},"spec":{{spec}}}""");

    [Fact]
    public void A_namespace_without_labels_takes_every_pod()
    {
        Assert.Equal(HttpStatusCode.Created, Pod("p", """{"hostNetwork":true,"containers":[{"name":"c","image":"i","securityContext":{"privileged":true}}]}""").Code);
    }

    [Fact]
    public void What_is_enforced_refuses_a_pod_with_every_rule_that_it_breaks()
    {
        Label(("enforce", "restricted"));
        Pod("p").Fails(403, "Forbidden",
            "pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"c\" must set securityContext.allowPrivilegeEscalation=false), "
            + "unrestricted capabilities (container \"c\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true), "
            + "seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")");
        Assert.Equal(HttpStatusCode.Created, Pod("p", Strict).Code);
    }

    [Fact]
    public void An_init_container_is_held_to_it_too()
    {
        Label(("enforce", "baseline"));
        Pod("p", """{"initContainers":[{"name":"a","image":"i","securityContext":{"privileged":true}}],"containers":[{"name":"c","image":"i"}]}""")
            .Fails(403, "Forbidden", "violates PodSecurity \"baseline:latest\": privileged (container \"a\" must not set securityContext.privileged=true)");
    }

    [Fact]
    public void What_is_warned_of_is_made_and_its_author_told()
    {
        Label(("warn", "restricted"), ("warn-version", "v1.20"));
        var made = Pod("p");
        Assert.Equal(HttpStatusCode.Created, made.Code);
        Assert.Contains("would violate PodSecurity \\\"restricted:v1.20\\\": allowPrivilegeEscalation != false", Assert.Single(made.Warnings), StringComparison.Ordinal);
        // Rules of later versions are not asked.
        Assert.DoesNotContain("capabilities", made.Warnings[0], StringComparison.Ordinal);
    }

    [Fact]
    public void The_author_of_a_template_is_warned_and_only_its_pods_are_refused()
    {
        Label(("enforce", "restricted"), ("warn", "baseline"));
        const string Job = """{"metadata":{"name":"j"},"spec":{"template":{"spec":{"restartPolicy":"Never","hostPID":true,"containers":[{"name":"c","image":"i"}]}}}}""";
        var made = _server.Post("/apis/batch/v1/namespaces/default/jobs", Job);
        Assert.Equal(HttpStatusCode.Created, made.Code);
        Assert.Contains("would violate PodSecurity \\\"baseline:latest\\\": host namespaces (hostPID=true)", Assert.Single(made.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Pods_that_are_there_stay_and_change_as_long_as_their_images_do_not()
    {
        Pod("b");
        Pod("a");
        Pod("strict", Strict);
        Pod("host", """{"hostIPC":true,"containers":[{"name":"c","image":"i"}]}""");
        Assert.Empty(Label(("enforce", "privileged")).Warnings);
        var change = Label(("enforce", "restricted"));
        Assert.Equal(
            [
                "existing pods in namespace \\\"default\\\" violate the new PodSecurity enforce level \\\"restricted:latest\\\"",
                "a (and 1 other pod): allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile",
                "host: host namespaces, allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile",
            ],
            change.Warnings.Select(static w => w["299 - \"".Length..^1]));
        Assert.Empty(Label(("enforce", "baseline")).Warnings);
        Label(("enforce", "restricted"));

        Assert.Equal(HttpStatusCode.OK, _server.Patch($"{Namespace}/pods/a", """{"metadata":{"labels":{"x":"y"}}}""").Code);
        Assert.Equal(HttpStatusCode.OK, _server.Patch($"{Namespace}/pods/a/status", """{"status":{"phase":"Running"}}""").Code);
        _server.Patch($"{Namespace}/pods/a", """{"spec":{"containers":[{"name":"c","image":"other"}]}}""", "application/strategic-merge-patch+json").Fails(403, "Forbidden", "violates PodSecurity");
    }

    [Fact]
    public void A_label_that_says_nothing_is_refused_and_one_that_is_there_already_counts_as_the_strictest()
    {
        Label(("enforce", "strict"), ("warn-version", "1.30")).Fails(
            422, "Invalid",
            "Namespace \"default\" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"strict\": must be one of privileged, baseline, restricted, "
            + "metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"1.30\": must be \"latest\" or \"v1.x\"]");
        _server.Post("/api/v1/namespaces", """{"metadata":{"name":"n","labels":{"pod-security.kubernetes.io/audit":"all"}}}""").Fails(422, "Invalid", "must be one of privileged, baseline, restricted");
    }
}
