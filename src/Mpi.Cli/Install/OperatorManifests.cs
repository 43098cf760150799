using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Cli;

/// <summary>What an installation is made of.</summary>
public sealed record InstallOptions
{
    /// <summary>One of <see cref="OperatorManifests.Overlays"/>.</summary>
    public string Overlay { get; init; } = "standalone";

    /// <summary>Null for the overlay's own.</summary>
    public string? Namespace { get; init; }

    /// <summary>The operator's image; null for the manifests'.</summary>
    public string? Image { get; init; }

    /// <summary>The image that delivers the agent into launchers' pods; null for the manifests'.</summary>
    public string? AgentImage { get; init; }

    /// <summary>Flags of the operator besides the manifests'.</summary>
    public ImmutableArray<string> Flags { get; init; } = [];
}

/// <summary>The operator's manifests, rendered at build time from deploy/ and adapted to one installation. Pure.</summary>
public static class OperatorManifests
{
    /// <summary>The name of Deployment, container, ServiceAccount and Lease: the old operator's.</summary>
    public const string Name = "mpi-operator";

    /// <summary>In the order in which they are offered, with the file that each is rendered to.</summary>
    public static readonly ImmutableArray<(string Overlay, string File)> Overlays =
        [("standalone", "install.yaml"), ("kubeflow", "install-kubeflow.yaml"), ("namespaced", "install-namespaced.yaml")];

    /// <summary>The kinds that the manifests are made of.</summary>
    private static readonly ImmutableArray<ResourceKind> Known =
    [
        Kinds.Namespace, Kinds.CustomResourceDefinition, Kinds.ServiceAccount, Kinds.ClusterRole, Kinds.ClusterRoleBinding, Kinds.Role, Kinds.RoleBinding, Kinds.Service,
        Kinds.Deployment, Kinds.PodDisruptionBudget,
    ];

    /// <summary>The objects in the order in which they can be created.</summary>
    public static ImmutableArray<JsonObject> Render(InstallOptions options)
    {
        var objects = Yaml.Read(Text(options.Overlay)).Select(static d => d.Root).ToImmutableArray();
        foreach (var obj in objects)
        {
            if (options.Namespace is { } ns) Move(obj, ns);
            if ((string?)obj["kind"] == Kinds.Deployment.Kind) Adapt((JsonObject)obj["spec"]!["template"]!["spec"]!["containers"]![0]!, options);
        }

        return objects;
    }

    /// <summary>Where the operator itself is put.</summary>
    public static string NamespaceOf(IEnumerable<JsonObject> objects) =>
        (string)objects.Single(static o => (string?)o["kind"] == Kinds.Deployment.Kind)["metadata"]!["namespace"]!;

    public static ResourceKind KindOf(KubeObject obj) => Known.Single(k => k.Kind == obj.Kind && k.ApiVersion == obj.ApiVersion);

    private static void Move(JsonObject obj, string ns)
    {
        var metadata = (JsonObject)obj["metadata"]!;
        if ((string?)obj["kind"] == Kinds.Namespace.Kind) metadata["name"] = ns;
        if (metadata.ContainsKey("namespace")) metadata["namespace"] = ns;
        foreach (var subject in obj["subjects"] as JsonArray ?? []) subject!["namespace"] = ns;
    }

    private static void Adapt(JsonObject container, InstallOptions options)
    {
        if (options.Image is { } image) container["image"] = image;
        if (options.AgentImage is { } agent) ((JsonArray)container["env"]!).Single(static e => (string?)e!["name"] == "AGENT_IMAGE")!["value"] = agent;
        foreach (var flag in options.Flags) ((JsonArray)container["args"]!).Add((JsonNode)flag);
    }

    private static string Text(string overlay)
    {
        var name = $"Mpi.Cli.deploy.{Overlays.Single(o => o.Overlay == overlay).File}";
        using var stream = typeof(OperatorManifests).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"the build has left out the embedded file {name}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
