using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Operator;

namespace Mpi.Cli.Tests;

public sealed class OperatorRightsTests
{
    private static readonly OperatorOptions Everywhere = OperatorFlags.Parse(["--lock-namespace=kubeflow"], static _ => null).Options;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_our_manifests_grant_is_enough_and_takes_one_question_a_namespace()
    {
        foreach (var (install, flag) in new[]
        {
            (new InstallOptions(), "--leader-elect=true"), (new InstallOptions { Overlay = "namespaced" }, "--namespace=mpi-operator"), (new InstallOptions { Legacy = true }, "--profile=legacy"),
        })
        {
            foreach (var dialects in (ImmutableArray<string>[])[[], ["kube-batch", "metacontroller"]])
            {
                var server = new Authorizer(Roles(OperatorManifests.Render(install with { Dialects = dialects })));
                Assert.Null(OperatorRights.Text(await MissingAsync(server, OperatorFlags.Parse([flag], static _ => null).Options, dialects)));
                Assert.InRange(server.Questions, 1, 2);
            }
        }
    }

    [Fact]
    public async Task The_rights_of_an_old_installation_are_told_with_the_rules_that_are_missing()
    {
        var old = KsonnetPackage.Prototypes.Single(static p => p.Name == "mpi-operator").Render(new KsonnetRequest("mpi-operator", "kubeflow", KsonnetGeneration.Second, ImmutableDictionary<string, string>.Empty));
        var text = OperatorRights.Text(await MissingAsync(new Authorizer(Roles(old.List!["items"]!.AsArray().Select(static o => (JsonObject)o!))), Everywhere));
        Assert.Equal(
            """
            it lacks rights, and without them jobs stay undone. Missing, in the whole cluster:
              - { apiGroups: ["kubeflow.org"], resources: [mpijobs/status], verbs: [patch] }
              - { apiGroups: ["kubeflow.org"], resources: [mpijobs/finalizers], verbs: [update] }
              - { apiGroups: [""], resources: [pods], verbs: [list, watch, create, delete, deletecollection] }
              - { apiGroups: ["batch"], resources: [jobs], verbs: [get, patch, delete] }
              - { apiGroups: ["batch"], resources: [jobs/status], verbs: [patch] }
              - { apiGroups: [""], resources: [services], verbs: [get, list, watch, create, patch] }
              - { apiGroups: [""], resources: [configmaps], verbs: [patch] }
              - { apiGroups: [""], resources: [secrets], verbs: [create, patch] }
              - { apiGroups: [""], resources: [serviceaccounts, pods/exec], verbs: [get] }
              - { apiGroups: ["rbac.authorization.k8s.io"], resources: [roles], verbs: [get, patch] }
              - { apiGroups: ["rbac.authorization.k8s.io"], resources: [rolebindings], verbs: [get] }
              - { apiGroups: ["scheduling.volcano.sh"], resources: [podgroups], verbs: [get, list, watch, create, patch, delete] }
              - { apiGroups: ["scheduling.x-k8s.io"], resources: [podgroups], verbs: [get, list, watch, create, patch, delete] }
              - { apiGroups: ["scheduling.incubator.k8s.io"], resources: [podgroups], verbs: [get, list, watch, create, patch, delete] }
              - { apiGroups: ["scheduling.k8s.io"], resources: [podgroups], verbs: [get, list, watch, create, patch, delete] }
              - { apiGroups: ["scheduling.k8s.io"], resources: [workloads], verbs: [get, list, watch, create, delete] }
              - { apiGroups: ["scheduling.k8s.io"], resources: [priorityclasses], verbs: [get] }
            and, in namespace kubeflow:
              - { apiGroups: ["coordination.k8s.io"], resources: [leases], verbs: [create] }
              - { apiGroups: ["coordination.k8s.io"], resources: [leases], resourceNames: [mpi-operator], verbs: [get, update] }
            To mend it, add these rules to a role of the operator's ServiceAccount, or let kubempi install bring all that the operator needs, with --profile and --dialect for what it serves (docs/install.md).
            """,
            text);
    }

    [Fact]
    public async Task An_authorizer_that_lists_no_rules_is_asked_for_each_right()
    {
        var server = new Authorizer(Roles(OperatorManifests.Render(new InstallOptions()))) { ListsRules = false };
        Assert.Empty(await MissingAsync(server, OperatorFlags.Parse(["--lock-namespace=mpi-operator"], static _ => null).Options));
        Assert.True(server.Questions > 20);
    }

    [Fact]
    public async Task The_webhook_of_profile_legacy_needs_more_and_it_is_told()
    {
        var missing = await MissingAsync(new Authorizer(Roles(OperatorManifests.Render(new InstallOptions()))), OperatorFlags.Parse(["--profile=legacy"], static _ => null).Options);
        Assert.Contains(new AccessRight("", "apiextensions.k8s.io", "customresourcedefinitions", "mpijobs.kubeflow.org", "patch"), missing);
        Assert.Contains(new AccessRight("mpi-operator", "", "secrets", "mpi-operator-webhook", "list"), missing);
    }

    [Fact]
    public async Task Jobs_of_another_system_need_more_where_their_kind_is_served()
    {
        var server = new Authorizer(Roles(OperatorManifests.Render(new InstallOptions { Dialects = ["metacontroller"] }))) { Served = ["scheduling.incubator.k8s.io/v1alpha1/podgroups", "scheduling.incubator.k8s.io/v1alpha1/mpis", "skatelescope.org/v1/mpijobs"] };
        using var client = Client(server);
        Assert.Equal(["kube-batch", "metacontroller"], await new OperatorRights(client).ServedAsync(Token));
        var text = OperatorRights.Text(await MissingAsync(server, Everywhere with { LeaderElection = false }, ["kube-batch", "metacontroller"]));
        Assert.StartsWith(
            """
            it lacks rights, and without them jobs stay undone. Missing, in the whole cluster:
              - { apiGroups: ["scheduling.incubator.k8s.io"], resources: [mpis], verbs: [list, watch, delete] }
              - { apiGroups: ["scheduling.incubator.k8s.io"], resources: [mpis/status], verbs: [patch] }
              - { apiGroups: ["scheduling.incubator.k8s.io"], resources: [mpis/finalizers], verbs: [update] }
            """,
            text, StringComparison.Ordinal);

        using var without = Client(new Authorizer([]) { Served = ["scheduling.incubator.k8s.io/v1alpha1/podgroups"] });
        Assert.Empty(await new OperatorRights(without).ServedAsync(Token));
    }

    [Fact]
    public void A_rule_allows_what_it_names_and_no_more()
    {
        var rule = new AccessRule(["apps"], ["deployments", "*/scale"], ["get"], ["a"]);
        Assert.True(rule.Allows(new AccessRight("", "apps", "deployments", "a", "get")));
        Assert.True(rule.Allows(new AccessRight("", "apps", "statefulsets/scale", "a", "get")));
        Assert.False(rule.Allows(new AccessRight("", "apps", "deployments", null, "get")));
        Assert.False(rule.Allows(new AccessRight("", "apps", "deployments", "b", "get")));
        Assert.False(rule.Allows(new AccessRight("", "apps", "deployments", "a", "list")));
        Assert.False(rule.Allows(new AccessRight("", "", "deployments", "a", "get")));
        Assert.False(rule.Allows(new AccessRight("", "apps", "deployments/status", "a", "get")));
    }

    private static KubeClient Client(Authorizer server) => new(server, new Uri("http://cluster.example"), KubeClientOptions.Default, new VirtualClock());

    private static async Task<ImmutableArray<AccessRight>> MissingAsync(Authorizer server, OperatorOptions options, ImmutableArray<string>? dialects = null)
    {
        using var client = Client(server);
        return await new OperatorRights(client).MissingAsync(OperatorRights.Needed(options, dialects ?? []), Token);
    }

    private static ImmutableArray<(string Namespace, AccessRule Rule)> Roles(IEnumerable<JsonObject> objects) =>
    [
        .. objects.Where(static o => (string?)o["kind"] is "Role" or "ClusterRole")
            .SelectMany(static role => JsonElement.Parse(role.ToUtf8()).Items("rules").Select(rule => ((string?)role["metadata"]!["namespace"] ?? "", AccessRule.Read(rule)))),
    ];

    /// <summary>Answers reviews as a server does whose caller has these rules and no others.</summary>
    private sealed class Authorizer(ImmutableArray<(string Namespace, AccessRule Rule)> rules) : HttpMessageHandler
    {
        public int Questions { get; private set; }
        public bool ListsRules { get; init; } = true;

        /// <summary>Group, version and plural of kinds.</summary>
        public string[] Served { get; init; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method == HttpMethod.Get) return Discover(request.RequestUri!.AbsolutePath["/apis/".Length..]);
            Questions++;
            var asked = (JsonObject)JsonNode.Parse(await request.Content!.ReadAsStringAsync(cancellationToken))!;
            asked["status"] = asked["spec"]!["resourceAttributes"] is JsonObject attributes ? Answer(attributes) : List((string)asked["spec"]!["namespace"]!);
            return new HttpResponseMessage(HttpStatusCode.Created) { Content = new ByteArrayContent(asked.ToUtf8()) };
        }

        private HttpResponseMessage Discover(string version)
        {
            var plurals = Served.Where(s => s.StartsWith($"{version}/", StringComparison.Ordinal)).Select(static JsonNode (s) => new JsonObject { ["name"] = s[(s.LastIndexOf('/') + 1)..] }).ToArray();
            return plurals.Length == 0 ? new(HttpStatusCode.NotFound) { Content = new StringContent("404 page not found") } : new(HttpStatusCode.OK) { Content = new ByteArrayContent(new JsonObject { ["kind"] = "APIResourceList", ["resources"] = new JsonArray(plurals) }.ToUtf8()) };
        }

        private JsonObject List(string ns) => new()
        {
            ["incomplete"] = !ListsRules,
            ["resourceRules"] = new JsonArray([.. (ListsRules ? rules : []).Where(r => r.Namespace.Length == 0 || r.Namespace == ns).Select(static JsonNode (r) => new JsonObject
            {
                ["apiGroups"] = r.Rule.Groups.ToTree(), ["resources"] = r.Rule.Resources.ToTree(), ["verbs"] = r.Rule.Verbs.ToTree(), ["resourceNames"] = r.Rule.Names.ToTree(),
            })]),
        };

        private JsonObject Answer(JsonObject attributes)
        {
            var (ns, resource) = ((string?)attributes["namespace"] ?? "", (string)attributes["resource"]!);
            var right = new AccessRight(ns, (string)attributes["group"]!, attributes["subresource"] is { } sub ? $"{resource}/{sub}" : resource, (string?)attributes["name"], (string)attributes["verb"]!);
            return new JsonObject { ["allowed"] = rules.Any(r => (r.Namespace.Length == 0 || r.Namespace == ns) && r.Rule.Allows(right)) };
        }
    }
}
