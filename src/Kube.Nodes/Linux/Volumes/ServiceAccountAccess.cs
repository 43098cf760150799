using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>
/// What every container finds at <c>/var/run/secrets/kubernetes.io/serviceaccount</c> unless it, its pod or its account declines: a token,
/// the authority of the API server, the namespace. Programs take that folder for the sign that they run in a cluster.
/// </summary>
internal static class ServiceAccountAccess
{
    private const string Folder = "/var/run/secrets/kubernetes.io/serviceaccount";
    private const string Name = "kube-api-access";

    private static readonly JsonElement Volume = JsonElement.Parse($$"""
        {"name":"{{Name}}","projected":{"defaultMode":420,"sources":[
          {"serviceAccountToken":{"path":"token","expirationSeconds":3607} },
          {"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}] } },
          {"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"fieldPath":"metadata.namespace"} } ] } } ] } }
        """);

    private static readonly JsonElement Mount = JsonElement.Parse($$"""{ "name": "{{Name}}", "mountPath": "{{Folder}}", "readOnly": true }""");

    /// <param name="isOffered">Whether this node can lead pods to the API server.</param>
    /// <param name="account">The pod's service account; null when there is none.</param>
    public static bool IsWanted(PodSpecView pod, bool isOffered, KubeObject? account) =>
        isOffered && account is not null && (pod.Spec.Flag("automountServiceAccountToken") ?? account.Root.Flag("automountServiceAccountToken") ?? true)
        && pod.Containers.Any(static c => !HasOwn(c));

    public static ImmutableArray<JsonElement> Volumes(JsonElement podSpec, bool isWanted) => isWanted ? [.. podSpec.Items("volumes"), Volume] : [.. podSpec.Items("volumes")];

    /// <summary>A mount of the container's own at that place goes before.</summary>
    public static IEnumerable<JsonElement> Mounts(ContainerView container, bool isWanted) => isWanted && !HasOwn(container) ? container.Spec.Items("volumeMounts").Append(Mount) : container.Spec.Items("volumeMounts");

    private static bool HasOwn(ContainerView container) => container.Spec.Items("volumeMounts").Any(static m => m.Text("mountPath")?.TrimEnd('/') == Folder);
}
