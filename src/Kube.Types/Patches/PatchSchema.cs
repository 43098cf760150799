using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Kube.Types;

/// <summary>
/// How a strategic merge patch treats the members of one type: which lists merge, and by which key. A member that is not
/// named here is a plain value, a map that merges, or a list that is replaced whole (Kubernetes' "atomic").
/// The facts are the <c>patchStrategy</c> and <c>patchMergeKey</c> tags of <c>k8s.io/api</c>.
/// </summary>
internal sealed class PatchSchema
{
    public static readonly PatchSchema Plain = new([]);

    private readonly FrozenDictionary<string, PatchMember> _members;

    private PatchSchema(Dictionary<string, PatchMember> members) => _members = members.ToFrozenDictionary(StringComparer.Ordinal);

    public PatchMember Member(string name) => _members.GetValueOrDefault(name, PatchMember.Plain);

    /// <summary>The schema of a built-in kind; false for kinds that take no strategic merge patch (custom resources).</summary>
    public static bool TryFind(ResourceKind kind, [NotNullWhen(true)] out PatchSchema? schema)
    {
        var builtIn = kind.Group.Length == 0 || BuiltInGroups.Contains(kind.Group);
        schema = builtIn ? Roots.GetValueOrDefault((kind.Group, kind.Kind), PlainObject) : null;
        return builtIn;
    }

    private static readonly FrozenSet<string> BuiltInGroups = new[]
    {
        "apps", "batch", "autoscaling", "policy", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
        "authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io",
        "flowcontrol.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io", "scheduling.k8s.io", "storage.k8s.io",
        "resource.k8s.io",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static PatchSchema Of(params ReadOnlySpan<(string Name, PatchMember Member)> members)
    {
        var map = new Dictionary<string, PatchMember>();
        foreach (var (name, member) in members) map[name] = member;
        return new PatchSchema(map);
    }

    private static PatchMember Map(PatchSchema schema) => new(schema, null, MergesPrimitives: false);

    private static PatchMember ByKey(string key, PatchSchema? item = null) => new(item ?? Plain, key, MergesPrimitives: false);

    private static readonly PatchMember Primitives = new(Plain, null, MergesPrimitives: true);

    private static readonly PatchSchema Meta = Of(("ownerReferences", ByKey("uid")), ("finalizers", Primitives));

    private static readonly PatchSchema Container = Of(
        ("ports", ByKey("containerPort")), ("env", ByKey("name")), ("volumeMounts", ByKey("mountPath")), ("volumeDevices", ByKey("devicePath")));

    private static readonly PatchSchema PodSpec = Of(
        ("containers", ByKey("name", Container)),
        ("initContainers", ByKey("name", Container)),
        ("ephemeralContainers", ByKey("name", Container)),
        ("volumes", ByKey("name")),
        ("imagePullSecrets", ByKey("name")),
        ("hostAliases", ByKey("ip")),
        ("topologySpreadConstraints", ByKey("topologyKey")),
        ("schedulingGates", ByKey("name")),
        ("resourceClaims", ByKey("name")));

    private static readonly PatchSchema Template = Of(("metadata", Map(Meta)), ("spec", Map(PodSpec)));

    private static readonly PatchSchema Conditions = Of(("conditions", ByKey("type")));

    private static readonly PatchSchema PlainObject = Of(("metadata", Map(Meta)));

    private static readonly PatchSchema WithConditions = Of(("metadata", Map(Meta)), ("status", Map(Conditions)));

    private static readonly PatchSchema WithTemplate = Of(
        ("metadata", Map(Meta)), ("spec", Map(Of(("template", Map(Template))))), ("status", Map(Conditions)));

    private static readonly FrozenDictionary<(string Group, string Kind), PatchSchema> Roots = new Dictionary<(string Group, string Kind), PatchSchema>
    {
        [("", "Pod")] = Of(
            ("metadata", Map(Meta)), ("spec", Map(PodSpec)),
            ("status", Map(Of(("conditions", ByKey("type")), ("podIPs", ByKey("ip")), ("hostIPs", ByKey("ip")), ("resourceClaimStatuses", ByKey("name")))))),
        [("", "PodTemplate")] = Of(("metadata", Map(Meta)), ("template", Map(Template))),
        [("", "Service")] = Of(("metadata", Map(Meta)), ("spec", Map(Of(("ports", ByKey("port"))))), ("status", Map(Conditions))),
        [("", "ServiceAccount")] = Of(("metadata", Map(Meta)), ("secrets", ByKey("name"))),
        [("", "Node")] = Of(
            ("metadata", Map(Meta)), ("spec", Map(Of(("podCIDRs", Primitives)))),
            ("status", Map(Of(("conditions", ByKey("type")), ("addresses", ByKey("type")))))),
        [("", "Namespace")] = WithConditions,
        [("", "PersistentVolumeClaim")] = WithConditions,
        [("", "ReplicationController")] = WithTemplate,
        [("batch", "Job")] = WithTemplate,
        [("batch", "CronJob")] = Of(
            ("metadata", Map(Meta)), ("spec", Map(Of(("jobTemplate", Map(Of(("metadata", Map(Meta)), ("spec", Map(Of(("template", Map(Template))))))))))),
            ("status", Map(Conditions))),
        [("apps", "StatefulSet")] = WithTemplate,
        [("apps", "Deployment")] = WithTemplate,
        [("apps", "ReplicaSet")] = WithTemplate,
        [("apps", "DaemonSet")] = WithTemplate,
        [("policy", "PodDisruptionBudget")] = WithConditions,
        [("admissionregistration.k8s.io", "ValidatingWebhookConfiguration")] = Of(("metadata", Map(Meta)), ("webhooks", ByKey("name"))),
        [("admissionregistration.k8s.io", "MutatingWebhookConfiguration")] = Of(("metadata", Map(Meta)), ("webhooks", ByKey("name"))),
    }.ToFrozenDictionary();
}

/// <param name="Schema">Of the member itself, or of the list's items.</param>
/// <param name="MergeKey">The member that identifies an item; null for a list that is no list of keyed objects.</param>
/// <param name="MergesPrimitives">A list of plain values that is merged as a set.</param>
internal readonly record struct PatchMember(PatchSchema Schema, string? MergeKey, bool MergesPrimitives)
{
    public static readonly PatchMember Plain = new(PatchSchema.Plain, null, MergesPrimitives: false);
}
