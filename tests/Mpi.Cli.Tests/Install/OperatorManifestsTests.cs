using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Operator;

namespace Mpi.Cli.Tests;

/// <summary>What stands in the manifests that users apply, whichever way.</summary>
public sealed class OperatorManifestsTests
{
    /// <summary>An annotation may have so many bytes; a client-side apply keeps the whole object in one.</summary>
    private const int AnnotationBytesMax = 256 * 1024;

    private const string Legacy = "legacy";

    public static TheoryData<string> Overlays => [.. OperatorManifests.Overlays.Select(static o => o.Overlay), Legacy];

    private static ImmutableArray<KubeObject> Render(string overlay, string? ns = null) =>
        [.. OperatorManifests.Render(overlay == Legacy ? new InstallOptions { Legacy = true, Namespace = ns } : new InstallOptions { Overlay = overlay, Namespace = ns }).Select(static o => KubeObject.From(o))];

    private static KubeObject Deployment(IEnumerable<KubeObject> objects) => objects.Single(static o => o.Kind == "Deployment");

    private static JsonElement Container(KubeObject deployment) => deployment.Root.Items("spec", "template", "spec", "containers").Single();

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Every_object_fits_the_annotation_of_a_plain_kubectl_apply(string overlay) =>
        Assert.All(Render(overlay), static o => Assert.True(o.Utf8.Length < AnnotationBytesMax / 16, $"{o}: {o.Utf8.Length} bytes"));

    [Fact]
    public void The_definition_has_the_old_short_names_columns_and_a_scale_for_workers()
    {
        var definition = Render("standalone").Single(static o => o.Kind == "CustomResourceDefinition").Root.At("spec");
        Assert.Equal(["mj", "mpij"], definition.Words("names", "shortNames"));
        var version = definition.Items("versions").Single();
        Assert.Equal(["State", "Workers", "Restarts", "Duration", "Age"], version.Items("additionalPrinterColumns").Select(static c => c.Text("name")));
        Assert.Equal(".spec.mpiReplicaSpecs.Worker.replicas", version.Text("subresources", "scale", "specReplicasPath"));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void The_operator_is_given_flags_that_it_has_and_ports_that_it_serves(string overlay)
    {
        var container = Container(Deployment(Render(overlay, "team")));
        var environment = container.Items("env").ToDictionary(static e => e.Text("name")!, static e => e.Text("value") ?? "team");
        var arguments = container.Words("args").Select(a => environment.Aggregate(a, static (text, e) => text.Replace($"$({e.Key})", e.Value, StringComparison.Ordinal))).ToArray();
        var flags = OperatorFlags.Parse(arguments, static _ => null);
        Assert.Empty(flags.Errors);
        Assert.Empty(flags.Notes);
        Assert.Equal("team", flags.Options.Lease.Namespace);
        Assert.Equal(overlay == "namespaced" ? "team" : "", flags.Options.Namespace);
        var ports = container.Items("ports").ToDictionary(static p => p.Text("name")!, static p => p.Integer("containerPort"));
        Assert.Equal(flags.Options.HealthPort, ports["health"]);
        Assert.Equal(flags.Options.MonitoringPort, ports["metrics"]);
        Assert.Equal(("health", "/readyz"), (container.Text("readinessProbe", "httpGet", "port"), container.Text("readinessProbe", "httpGet", "path")));
        Assert.Equal(("health", "/healthz"), (container.Text("livenessProbe", "httpGet", "port"), container.Text("livenessProbe", "httpGet", "path")));
    }

    /// <summary>The selector of kubeflow/mpi-operator's Deployment: an update may not change it, so it is what lets ours replace theirs.</summary>
    [Theory]
    [MemberData(nameof(Overlays))]
    public void An_old_Deployment_can_be_replaced_in_place_and_every_selector_means_the_operators_pods(string overlay)
    {
        var old = new Dictionary<string, string>
        {
            ["app"] = "mpi-operator", ["app.kubernetes.io/component"] = "mpijob", ["app.kubernetes.io/name"] = "mpi-operator", ["kustomize.component"] = "mpi-operator",
        };
        var objects = Render(overlay);
        var deployment = Deployment(objects);
        Assert.Equal("mpi-operator", deployment.Meta.Name);
        Assert.Equal("mpi-operator", Container(deployment).Text("name"));
        Assert.Equal("mpi-operator", deployment.Root.Text("spec", "template", "spec", "serviceAccountName"));
        Assert.Equal(old, deployment.Root.TextMap("spec", "selector", "matchLabels"));
        Assert.Equal(old, deployment.Root.TextMap("spec", "template", "metadata", "labels"));
        Assert.Equal(overlay == Legacy ? 2 : 1, objects.Count(static o => o.Kind == "Service"));
        Assert.All(objects.Where(static o => o.Kind == "Service"), s => Assert.Equal(old, s.Root.TextMap("spec", "selector")));
        if (objects.SingleOrDefault(static o => o.Kind == "PodDisruptionBudget") is { } budget) Assert.Equal(old, budget.Root.TextMap("spec", "selector", "matchLabels"));
        Assert.Equal(deployment.Root.Integer("spec", "replicas") > 1, objects.Any(static o => o.Kind == "PodDisruptionBudget"));
        Assert.All(objects, o => Assert.Superset(old.ToHashSet(), o.Meta.Labels.ToHashSet()));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void The_operator_passes_restricted_pod_security(string overlay)
    {
        var pod = Deployment(Render(overlay)).Root.At("spec", "template", "spec");
        Assert.True(pod.Flag("securityContext", "runAsNonRoot"));
        Assert.Equal("RuntimeDefault", pod.Text("securityContext", "seccompProfile", "type"));
        var container = pod.Items("containers").Single().At("securityContext");
        Assert.False(container.Flag("allowPrivilegeEscalation"));
        Assert.True(container.Flag("readOnlyRootFilesystem"));
        Assert.Equal(["ALL"], container.Words("capabilities", "drop"));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void No_right_is_a_wildcard_and_no_secret_or_ConfigMap_may_be_read(string overlay)
    {
        var rules = Render(overlay).Where(static o => o.Kind is "Role" or "ClusterRole").SelectMany(static o => o.Root.Items("rules")).ToList();
        Assert.NotEmpty(rules);
        Assert.All(rules, static r => Assert.DoesNotContain(r.Words("apiGroups").Concat(r.Words("resources")).Concat(r.Words("verbs")), static w => w == "*"));
        // But for the webhook's own two, by name.
        var readable = rules.Where(static r => r.Words("resources").Any(static n => n is "secrets" or "configmaps") && r.Words("verbs").Any(static v => v is "get" or "list" or "watch")).SelectMany(static r => r.Words("resourceNames").DefaultIfEmpty("*"));
        string[] expected = overlay == Legacy ? [ConversionOptions.SecretName, ConversionOptions.SettingsName] : [];
        Assert.Equal(expected, readable);
        Assert.All(rules.Where(static r => r.Words("apiGroups").Contains("apiextensions.k8s.io")), static r => Assert.Equal([ConversionOptions.Definition], r.Words("resourceNames")));
        Assert.DoesNotContain(rules, static r => r.Words("resources").Any(static n => n is "pods/log"));
        // What launchers over exec are granted, and no way around the rule that only that can be granted.
        Assert.Equal(["get", "create"], Assert.Single(rules, static r => r.Words("resources").Contains("pods/exec")).Words("verbs"));
        Assert.DoesNotContain(rules, static r => r.Words("verbs").Any(static v => v is "escalate" or "bind" or "impersonate"));
    }

    [Fact]
    public void Profile_legacy_leads_the_API_server_to_the_port_that_the_operator_serves_and_has_two_replicas()
    {
        var objects = Render(Legacy, "team");
        var definition = objects.Single(static o => o.Kind == "CustomResourceDefinition").Root.At("spec");
        Assert.Equal(["v2beta1", "v1", "v1alpha2", "v1alpha1"], definition.Items("versions").Select(static v => v.Text("name")));
        Assert.False(definition.Flag("preserveUnknownFields"));
        Assert.Equal("Webhook", definition.Text("conversion", "strategy"));
        var service = objects.Single(static o => o.Kind == "Service" && o.Meta.Name == ConversionOptions.ServiceName);
        var way = definition.At("conversion", "webhook", "clientConfig", "service");
        Assert.Equal(("team", service.Meta.Name, ConversionOptions.Path), (way.Text("namespace"), way.Text("name"), way.Text("path")));
        var port = service.Root.Items("spec", "ports").Single();
        Assert.Equal(way.Integer("port"), port.Integer("port"));
        var container = Container(Deployment(objects));
        var flags = OperatorFlags.Parse(["--profile=legacy"], static _ => null).Options.Conversion!;
        Assert.Contains("--profile=legacy", container.Words("args"));
        Assert.Equal(flags.Port, container.Items("ports").Single(p => p.Text("name") == port.Text("targetPort")).Integer("containerPort"));
        Assert.Equal(2, Deployment(objects).Root.Integer("spec", "replicas"));
    }

    [Fact]
    public void Profile_legacy_in_kubeflows_namespace_leaves_that_namespace_as_it_is()
    {
        var objects = OperatorManifests.Render(new InstallOptions { Legacy = true, Overlay = "kubeflow" }).Select(static o => KubeObject.From(o)).ToList();
        Assert.DoesNotContain(objects, static o => o.Kind == "Namespace");
        Assert.Equal("kubeflow", Deployment(objects).Meta.Namespace);
        Assert.Equal("kubeflow", objects.Single(static o => o.Kind == "CustomResourceDefinition").Root.Text("spec", "conversion", "webhook", "clientConfig", "service", "namespace"));
    }

    [Fact]
    public void An_operator_outside_the_cluster_is_named_by_its_URL_alone()
    {
        var definition = OperatorManifests.Render(new InstallOptions { Legacy = true, Flags = ["--webhook-url=https://host.example:9443/convert"] }).Select(static o => KubeObject.From(o)).Single(static o => o.Kind == "CustomResourceDefinition");
        var client = definition.Root.At("spec", "conversion", "webhook", "clientConfig");
        Assert.Equal("https://host.example:9443/convert", client.Text("url"));
        Assert.False(client.Has("service"));
    }

    [Fact]
    public void Nothing_of_a_namespaced_operator_reaches_beyond_its_namespace_but_the_definition()
    {
        var objects = Render("namespaced", "team");
        Assert.Equal(["CustomResourceDefinition"], objects.Where(static o => o.Meta.Namespace.Length == 0).Select(static o => o.Kind));
        Assert.All(objects.Where(static o => o.Kind == "RoleBinding"), static b => Assert.Equal("Role", b.Root.Text("roleRef", "kind")));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Another_systems_jobs_bring_their_definition_and_the_rights_that_they_need_before_the_operator(string overlay)
    {
        var plain = Render(overlay, "team").Select(static o => o.ToString()).ToList();
        var options = (overlay == Legacy ? new InstallOptions { Legacy = true } : new InstallOptions { Overlay = overlay }) with { Namespace = "team", Dialects = ["metacontroller", "kube-batch"] };
        var added = OperatorManifests.Render(options).Select(static o => KubeObject.From(o)).TakeWhile(static o => o.Kind != "Deployment").Where(o => !plain.Contains(o.ToString())).ToList();
        var (role, binding) = overlay == "namespaced" ? ("Role", "RoleBinding") : ("ClusterRole", "ClusterRoleBinding");
        Assert.Equal(["mpijobs.skatelescope.org", "mpis.scheduling.incubator.k8s.io"], added.Where(static o => o.Kind == "CustomResourceDefinition").Select(static o => o.Meta.Name).Order(StringComparer.Ordinal));
        foreach (var name in (string[])["mpi-operator-kube-batch", "mpi-operator-metacontroller"])
        {
            Assert.Equal(overlay == "namespaced" ? "team" : "", added.Single(o => o.Kind == role && o.Meta.Name == name).Meta.Namespace);
            var bound = added.Single(o => o.Kind == binding && o.Meta.Name == name);
            Assert.Equal((role, name, "team"), (bound.Root.Text("roleRef", "kind"), bound.Root.Text("roleRef", "name"), bound.Root.Items("subjects").Single().Text("namespace")));
        }

        var users = added.Where(static o => o.Kind == "ClusterRole" && !o.Meta.Name.StartsWith("mpi-operator", StringComparison.Ordinal)).ToList();
        Assert.Equal(overlay == "namespaced" ? 0 : 4, users.Count);
        Assert.All(users, static u => Assert.Equal("true", u.Meta.Labels[$"rbac.authorization.k8s.io/aggregate-to-{u.Meta.Name[^4..]}"]));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Another_namespace_reaches_every_place_that_names_one(string overlay)
    {
        var text = string.Join("\n", Render(overlay, "team").Select(static o => JsonNode.Parse(o.Utf8.Span)!.ToJsonString()));
        Assert.DoesNotContain("\"namespace\":\"mpi-operator\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\"namespace\":\"kubeflow\"", text, StringComparison.Ordinal);
        Assert.All(Render(overlay, "team").Where(static o => o.Kind == "Namespace"), static o => Assert.Equal("team", o.Meta.Name));
        Assert.All(Render(overlay, "team").SelectMany(static o => o.Root.Items("subjects")), static s => Assert.Equal("team", s.Text("namespace")));
    }

    [Fact]
    public void Images_and_flags_of_an_installation_reach_the_container()
    {
        var objects = OperatorManifests.Render(new InstallOptions { Image = "r.example/kubempi:1", AgentImage = "r.example/agent:1", Flags = ["--cluster-domain=example.org"] });
        var container = Container(Deployment(objects.Select(static o => KubeObject.From(o))));
        Assert.Equal("r.example/kubempi:1", container.Text("image"));
        Assert.Contains(container.Items("env"), static e => e.Text("value") == "r.example/agent:1");
        Assert.Equal("--cluster-domain=example.org", container.Words("args")[^1]);
    }

    [Fact]
    public void Kubeflow_finds_its_aggregated_roles()
    {
        var roles = Render("kubeflow").Where(static o => o.Kind == "ClusterRole").ToDictionary(static o => o.Meta.Name);
        const string group = "rbac.authorization.kubeflow.org/";
        Assert.Equal("true", roles["kubeflow-mpijobs-admin"].Meta.Labels[$"{group}aggregate-to-kubeflow-admin"]);
        Assert.Equal("true", roles["kubeflow-mpijobs-edit"].Meta.Labels[$"{group}aggregate-to-kubeflow-edit"]);
        Assert.Equal("true", roles["kubeflow-mpijobs-edit"].Meta.Labels[$"{group}aggregate-to-kubeflow-mpijobs-admin"]);
        Assert.Equal("true", roles["kubeflow-mpijobs-view"].Meta.Labels[$"{group}aggregate-to-kubeflow-view"]);
        Assert.Equal("true", roles["kubeflow-mpijobs-admin"].Root.Items("aggregationRule", "clusterRoleSelectors").Single().Text("matchLabels", $"{group}aggregate-to-kubeflow-mpijobs-admin"));
    }
}
