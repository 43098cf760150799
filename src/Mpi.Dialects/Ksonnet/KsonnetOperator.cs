using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>Prototype <c>mpi-operator</c>: what kubeflow/mpi-operator 0.1 was installed with, five objects (spec/ksonnet-prototypes.md 2).</summary>
internal static class KsonnetOperator
{
    private const string Rbac = "rbac.authorization.k8s.io";

    public static KsonnetPrototype Prototype { get; } = new(
        "mpi-operator",
        "The objects that the operator of 2018 was installed with.",
        [
            new("image", KsonnetType.Text, "mpioperator/mpi-operator:latest", "The operator's image."),
            new("kubectlDeliveryImage", KsonnetType.Text, "mpioperator/kubectl-delivery:latest", "The image that brought kubectl into launchers."),
            new("gpusPerNode", KsonnetType.Number, "8", "GPUs of each node, for jobs that give their number of GPUs."),
        ],
        Objects);

    private static JsonArray Objects(KsonnetValues values)
    {
        var second = values.Generation == KsonnetGeneration.Second;
        var (role, account) = (ClusterRole(values, second), Of("v1", "ServiceAccount", values.Metadata()));
        var binding = Binding(values);
        values.Warn("Kubernetes 1.22 and later do not serve the CustomResourceDefinition's apiextensions.k8s.io/v1beta1; kubempi install brings one that they do, with an operator and its rights.");
        return second
            ? new JsonArray(CustomResource(), account, role, binding, Deployment(values, second))
            : new JsonArray(CustomResource(), role, account, binding, Deployment(values, second));
    }

    private static JsonObject CustomResource()
    {
        var crd = Of("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", new JsonObject { ["name"] = "mpijobs.kubeflow.org" });
        crd["spec"] = new JsonObject
        {
            ["group"] = "kubeflow.org",
            ["version"] = "v1alpha1",
            ["scope"] = "Namespaced",
            ["names"] = new JsonObject { ["plural"] = "mpijobs", ["singular"] = "mpijob", ["kind"] = "MPIJob", ["shortNames"] = Texts("mj", "mpij") },
            ["validation"] = new JsonObject { ["openAPIV3Schema"] = JsonNode.Parse(SpecSchema) },
        };
        return crd;
    }

    /// <summary>Exactly one of <c>gpus</c> and <c>replicas</c>, and of the former what eight GPUs a node allow.</summary>
    private const string SpecSchema =
        """
        {"properties": {"spec": {"oneOf": [
          {"properties": {"gpus": {"oneOf": [{"type": "integer", "enum": [1, 2, 4]}, {"type": "integer", "multipleOf": 8, "minimum": 8}]}}, "required": ["gpus"]},
          {"properties": {"replicas": {"type": "integer", "minimum": 1}}, "required": ["replicas"]}
        ]}}}
        """;

    private static JsonObject ClusterRole(KsonnetValues values, bool second)
    {
        var rules = new JsonArray(
            Rule("", ["configmaps", "serviceaccounts"], "create", "list", "watch"),
            // What the operator gives to launchers it must have itself.
            Rule("", ["pods"], "get"),
            Rule("", ["pods/exec"], "create"),
            Rule("", ["events"], "create", "patch"),
            Rule(Rbac, ["roles", "rolebindings"], "create", "list", "watch"),
            Rule("apps", ["statefulsets"], "create", "list", "update", "watch"),
            Rule("batch", ["jobs"], "create", "list", "update", "watch"));
        if (second) rules.Add((JsonNode)Rule("policy", ["poddisruptionbudgets"], "create", "list", "update", "watch"));
        rules.Add((JsonNode)Rule("apiextensions.k8s.io", ["customresourcedefinitions"], "create", "get"));
        rules.Add((JsonNode)Rule("kubeflow.org", ["mpijobs"], "*"));
        var role = Of($"{Rbac}/v1", "ClusterRole", new JsonObject { ["name"] = values.Name });
        role["rules"] = rules;
        return role;
    }

    private static JsonObject Rule(string group, string[] resources, params string[] verbs) =>
        new() { ["apiGroups"] = Texts(group), ["resources"] = Texts(resources), ["verbs"] = Texts(verbs) };

    private static JsonObject Binding(KsonnetValues values)
    {
        // An account is named with its namespace or not at all; an environment always had one.
        var home = values.Namespace ?? "default";
        if (values.Namespace is null) values.Warn("--namespace is not given: the ClusterRoleBinding names the ServiceAccount of namespace default.");
        var binding = Of($"{Rbac}/v1", "ClusterRoleBinding", values.Metadata());
        binding["roleRef"] = new JsonObject { ["apiGroup"] = Rbac, ["kind"] = "ClusterRole", ["name"] = values.Name };
        binding["subjects"] = new JsonArray(new JsonObject { ["kind"] = "ServiceAccount", ["name"] = values.Name, ["namespace"] = home });
        return binding;
    }

    private static JsonObject Deployment(KsonnetValues values, bool second)
    {
        var number = values.Number("gpusPerNode", least: 1).ToString(CultureInfo.InvariantCulture);
        string[] logging = second ? ["-alsologtostderr"] : [];
        var metadata = values.Metadata();
        metadata["labels"] = Labels();
        var deployment = Of("apps/v1", "Deployment", metadata);
        deployment["spec"] = new JsonObject
        {
            ["replicas"] = 1,
            ["selector"] = new JsonObject { ["matchLabels"] = Labels() },
            ["template"] = new JsonObject
            {
                ["metadata"] = new JsonObject { ["labels"] = Labels() },
                ["spec"] = new JsonObject
                {
                    ["serviceAccountName"] = values.Name,
                    ["containers"] = new JsonArray(new JsonObject
                    {
                        ["name"] = "mpi-operator",
                        ["image"] = values.Text("image"),
                        ["imagePullPolicy"] = "Always",
                        ["args"] = Texts([.. logging, "--gpus-per-node", number, "--kubectl-delivery-image", values.Text("kubectlDeliveryImage")]),
                    }),
                },
            },
        };
        return deployment;

        JsonObject Labels() => new() { ["app"] = values.Name };
    }

    private static JsonObject Of(string apiVersion, string kind, JsonObject metadata) => new() { ["apiVersion"] = apiVersion, ["kind"] = kind, ["metadata"] = metadata };

    private static JsonArray Texts(params string[] texts) => texts.ToTree();
}
