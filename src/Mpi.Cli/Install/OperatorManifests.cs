using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Cli;

/// <summary>What an installation is made of.</summary>
public sealed record InstallOptions
{
    /// <summary>One of <see cref="OperatorManifests.Overlays"/>.</summary>
    public string Overlay { get; init; } = "standalone";

    /// <summary>Whether all versions of MPIJob are served, through the conversion webhook, and not v2beta1 alone. Not for <c>namespaced</c>.</summary>
    public bool Legacy { get; init; }

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

    /// <summary>What profile <c>legacy</c> is rendered to, in the namespace of <c>standalone</c>.</summary>
    private const string LegacyFile = "install-legacy.yaml";

    /// <summary>The kinds that the manifests are made of.</summary>
    private static readonly ImmutableArray<ResourceKind> Known =
    [
        Kinds.Namespace, Kinds.CustomResourceDefinition, Kinds.ServiceAccount, Kinds.ClusterRole, Kinds.ClusterRoleBinding, Kinds.Role, Kinds.RoleBinding, Kinds.Service,
        Kinds.Deployment, Kinds.PodDisruptionBudget,
    ];

    /// <summary>The objects in the order in which they can be created.</summary>
    public static ImmutableArray<JsonObject> Render(InstallOptions options)
    {
        var objects = Yaml.Read(Text(options.Legacy ? LegacyFile : Overlays.Single(o => o.Overlay == options.Overlay).File)).Select(static d => d.Root).ToImmutableArray();
        var place = options.Namespace;
        if (options is { Legacy: true, Overlay: "kubeflow" })
        {
            // That namespace is there already, and is not ours to describe.
            objects = [.. objects.Where(static o => (string?)o["kind"] != Kinds.Namespace.Kind)];
            place ??= "kubeflow";
        }

        foreach (var obj in objects)
        {
            if (place is { } ns) Move(obj, ns);
            if ((string?)obj["kind"] == Kinds.CustomResourceDefinition.Kind) Lead(obj, options.Flags);
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
        if (WebhookOf(obj)?["service"] is JsonObject service) service["namespace"] = ns;
    }

    /// <summary>A webhook that is reached by a URL has no Service. The operator says so, too; here it must, since the API server takes only one of both.</summary>
    private static void Lead(JsonObject definition, ImmutableArray<string> flags)
    {
        const string UrlFlag = "webhook-url=";
        if (WebhookOf(definition) is not { } client || flags.Select(static f => f.TrimStart('-')).LastOrDefault(static f => f.StartsWith(UrlFlag, StringComparison.Ordinal)) is not { } flag) return;
        client.Remove("service");
        client["url"] = flag[UrlFlag.Length..];
    }

    /// <summary>The <c>clientConfig</c> of a definition that is converted by webhook; null of everything else.</summary>
    private static JsonObject? WebhookOf(JsonObject obj) => (obj["spec"] as JsonObject)?["conversion"]?["webhook"]?["clientConfig"] as JsonObject;

    private static void Adapt(JsonObject container, InstallOptions options)
    {
        if (options.Image is { } image) container["image"] = image;
        if (options.AgentImage is { } agent) ((JsonArray)container["env"]!).Single(static e => (string?)e!["name"] == "AGENT_IMAGE")!["value"] = agent;
        foreach (var flag in options.Flags) ((JsonArray)container["args"]!).Add((JsonNode)flag);
    }

    private static string Text(string file)
    {
        var name = $"Mpi.Cli.deploy.{file}";
        using var stream = typeof(OperatorManifests).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"the build has left out the embedded file {name}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
