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

    /// <summary>Some of <see cref="OperatorManifests.Dialects"/>, for jobs besides kubeflow's.</summary>
    public ImmutableArray<string> Dialects { get; init; } = [];

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

    /// <summary>Other systems whose jobs are run beside kubeflow's, with the file of what each needs: a definition, the operator's rights, users' roles.</summary>
    public static readonly ImmutableArray<(string Dialect, string File)> Dialects = [("kube-batch", "kube-batch.yaml"), ("metacontroller", "metacontroller.yaml")];

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
        var objects = Read(options.Legacy ? LegacyFile : Overlays.Single(o => o.Overlay == options.Overlay).File);
        // That namespace is there already, and is not ours to describe.
        if (options is { Legacy: true, Overlay: "kubeflow" }) objects = objects.RemoveAll(static o => (string?)o["kind"] == Kinds.Namespace.Kind);

        // An operator that starts finds its rights there.
        objects = objects.InsertRange(objects.IndexOf(objects.Single(static o => (string?)o["kind"] == Kinds.Deployment.Kind)), Dialects.Where(d => options.Dialects.Contains(d.Dialect)).SelectMany(d => Beside(d.Dialect, d.File, options.Overlay)));
        var place = options.Namespace ?? (options.Overlay == "kubeflow" ? "kubeflow" : null);
        foreach (var obj in objects)
        {
            if (place is { } ns) Move(obj, ns);
            if (IsDefinition(obj)) Lead(obj, options.Flags);
            if ((string?)obj["kind"] == Kinds.Deployment.Kind) Adapt((JsonObject)obj["spec"]!["template"]!["spec"]!["containers"]![0]!, options);
        }

        return objects;
    }

    /// <summary>Where the operator itself is put.</summary>
    public static string NamespaceOf(IEnumerable<JsonObject> objects) =>
        (string)objects.Single(static o => (string?)o["kind"] == Kinds.Deployment.Kind)["metadata"]!["namespace"]!;

    public static ResourceKind KindOf(KubeObject obj) => Known.Single(k => k.Kind == obj.Kind && k.ApiVersion == obj.ApiVersion);

    /// <summary>The name of the operator's rights for a dialect.</summary>
    public static string RoleOf(string dialect) => $"{Name}-{dialect}";

    /// <summary>The kind of a dialect's jobs.</summary>
    public static ResourceKind JobsOf(string dialect) => Defined(KubeObject.From(Read(Dialects.Single(d => d.Dialect == dialect).File).Single(IsDefinition)));

    public static bool IsDefinition(JsonObject obj) => (string?)obj["kind"] == Kinds.CustomResourceDefinition.Kind;

    /// <summary>What a definition defines, in the version that is stored.</summary>
    public static ResourceKind Defined(KubeObject definition)
    {
        var spec = definition.Root.At("spec");
        return new ResourceKind(spec.Text("group")!, spec.Items("versions").First(static v => v.Flag("storage") == true).Text("name")!, spec.Text("names", "kind")!, spec.Text("names", "plural")!);
    }

    /// <summary>What a dialect needs; of an operator for one namespace the rights are that namespace's, and users' roles, which are the cluster's, are nobody's.</summary>
    private static IEnumerable<JsonObject> Beside(string dialect, string file, string overlay)
    {
        var objects = Read(file);
        if (overlay != "namespaced") return objects;
        var mine = objects.RemoveAll(o => !IsDefinition(o) && (string?)o["metadata"]!["name"] != RoleOf(dialect));
        foreach (var rights in mine.Where(static o => !IsDefinition(o)))
        {
            rights["kind"] = ((string)rights["kind"]!)["Cluster".Length..];
            rights["metadata"]!["namespace"] = Name;
            if (rights["roleRef"] is JsonObject role) role["kind"] = Kinds.Role.Kind;
        }

        return mine;
    }

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

    private static ImmutableArray<JsonObject> Read(string file) => [.. Yaml.Read(Text(file)).Select(static d => d.Root)];

    private static string Text(string file)
    {
        var name = $"Mpi.Cli.deploy.{file}";
        using var stream = typeof(OperatorManifests).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"the build has left out the embedded file {name}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
