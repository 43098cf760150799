using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Testing;

/// <summary>
/// Short words for the objects of a test: <c>A.Pod("x").OnNode("n").Label("app", "y")</c>. What a test does not say is
/// what the API server would accept as it stands.
/// </summary>
public static class A
{
    public static ObjectBuilder Object(ResourceKind kind, string name) => new(kind, name);

    public static ObjectBuilder Pod(string name) => Object(Kinds.Pod, name).With("spec", PodSpec());

    /// <summary>A Job with one pod that is never restarted in place.</summary>
    public static ObjectBuilder Job(string name)
    {
        var pod = PodSpec();
        pod["restartPolicy"] = "Never";
        return Object(Kinds.Job, name).With("spec.template", new JsonObject { ["metadata"] = new JsonObject(), ["spec"] = pod });
    }

    /// <summary>A StatefulSet, Deployment or ReplicaSet whose pods carry the label <c>app</c> with its name.</summary>
    public static ObjectBuilder Workload(ResourceKind kind, string name, int replicas) => Object(kind, name)
        .With("spec.replicas", JsonValue.Create(replicas))
        .With("spec.selector", new JsonObject { ["matchLabels"] = new JsonObject { ["app"] = name } })
        .With("spec.template", new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["app"] = name } }, ["spec"] = PodSpec() });

    public static ObjectBuilder StatefulSet(string name, int replicas) => Workload(Kinds.StatefulSet, name, replicas).With("spec.serviceName", JsonValue.Create(name));

    public static ObjectBuilder Service(string name, params (string Key, string Value)[] selector) =>
        Object(Kinds.Service, name).With("spec.selector", selector.Select(static s => KeyValuePair.Create(s.Key, s.Value)).ToTree());

    public static ObjectBuilder ConfigMap(string name) => Object(Kinds.ConfigMap, name);

    public static ObjectBuilder Namespace(string name) => Object(Kinds.Namespace, name);

    public static ObjectBuilder Node(string name, string cpu = "8", string memory = "16Gi", string pods = "110") => Object(Kinds.Node, name)
        .With("status.capacity", Quantities(cpu, memory, pods))
        .With("status.allocatable", Quantities(cpu, memory, pods))
        .With("status.conditions", new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True", ["reason"] = "KubeletReady" }));

    private static JsonObject PodSpec() => new()
    {
        ["containers"] = new JsonArray(new JsonObject { ["name"] = "main", ["image"] = "example/image" }),
    };

    private static JsonObject Quantities(string cpu, string memory, string pods) => new() { ["cpu"] = cpu, ["memory"] = memory, ["pods"] = pods };
}

/// <summary>An object in the making. Paths are dotted member names; a member that holds dots is set through <see cref="Tree"/>.</summary>
public sealed class ObjectBuilder
{
    public ObjectBuilder(ResourceKind kind, string name)
    {
        Kind = kind;
        Tree = new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = new JsonObject { ["name"] = name } };
        if (kind.Namespaced) Meta["namespace"] = "default";
    }

    public ResourceKind Kind { get; }
    public JsonObject Tree { get; }

    private JsonObject Meta => Tree.Object("metadata");
    private JsonObject Spec => Tree.Object("spec");

    /// <summary>The pod's spec, of a pod itself or of a template.</summary>
    private JsonObject PodSpec => Kind == Kinds.Pod ? Spec : Spec.Object("template").Object("spec");

    private JsonObject Container => (JsonObject)PodSpec.Array("containers")[0]!;

    public KubeObject Build() => KubeObject.From(Tree);

    public static implicit operator KubeObject(ObjectBuilder builder) => builder.Build();

    public ObjectBuilder With(string path, JsonNode? value)
    {
        var steps = path.Split('.');
        var at = Tree;
        foreach (var step in steps[..^1]) at = at.Object(step);
        at[steps[^1]] = value;
        return this;
    }

    /// <summary>Merges a snippet of JSON into the object at the path.</summary>
    public ObjectBuilder With(string path, string json) => With(path, JsonNode.Parse(json));

    public ObjectBuilder In(string ns) => With("metadata.namespace", JsonValue.Create(ns));
    public ObjectBuilder Uid(string uid) => With("metadata.uid", JsonValue.Create(uid));

    public ObjectBuilder Label(string key, string value)
    {
        Meta.Object("labels")[key] = value;
        return this;
    }

    public ObjectBuilder Annotation(string key, string value)
    {
        Meta.Object("annotations")[key] = value;
        return this;
    }

    public ObjectBuilder Finalizer(string finalizer)
    {
        Meta.Array("finalizers").Add((JsonNode)finalizer);
        return this;
    }

    public ObjectBuilder OwnedBy(KubeObject owner, bool controller = false, bool blockOwnerDeletion = false)
    {
        var reference = new JsonObject { ["apiVersion"] = owner.ApiVersion, ["kind"] = owner.Kind, ["name"] = owner.Meta.Name, ["uid"] = owner.Meta.Uid };
        if (controller) reference["controller"] = true;
        if (blockOwnerDeletion) reference["blockOwnerDeletion"] = true;
        Meta.Array("ownerReferences").Add((JsonNode)reference);
        return this;
    }

    public ObjectBuilder OnNode(string node) => With("spec.nodeName", JsonValue.Create(node));

    public ObjectBuilder Phase(string phase) => With("status.phase", JsonValue.Create(phase));

    public ObjectBuilder Ready(bool ready = true)
    {
        Tree.Object("status").Array("conditions").Add((JsonNode)new JsonObject { ["type"] = "Ready", ["status"] = ready ? "True" : "False" });
        return this;
    }

    public ObjectBuilder Ip(string ip)
    {
        Tree.Object("status")["podIP"] = ip;
        return With("status.podIPs", new JsonArray(new JsonObject { ["ip"] = ip }));
    }

    /// <summary>Extended resources of the first container: request and limit, which must be equal.</summary>
    public ObjectBuilder Devices(params (string Resource, string Quantity)[] devices)
    {
        Requests(devices);
        var resources = (JsonObject)Tree["spec"]!["containers"]![0]!["resources"]!;
        resources["limits"] = resources["requests"]!.DeepClone();
        return this;
    }

    /// <summary>The first container's resource requests.</summary>
    public ObjectBuilder Requests(params (string Resource, string Quantity)[] requests)
    {
        var tree = Container.Object("resources").Object("requests");
        foreach (var (resource, quantity) in requests) tree[resource] = quantity;
        return this;
    }

    /// <summary>A port of the first container, or of a service.</summary>
    public ObjectBuilder Port(int port, string? name = null)
    {
        var tree = Kind == Kinds.Service ? new JsonObject { ["port"] = port } : new JsonObject { ["containerPort"] = port };
        if (name is not null) tree["name"] = name;
        (Kind == Kinds.Service ? Spec : Container).Array("ports").Add((JsonNode)tree);
        return this;
    }

    public ObjectBuilder RestartPolicy(string policy)
    {
        PodSpec["restartPolicy"] = policy;
        return this;
    }
}
