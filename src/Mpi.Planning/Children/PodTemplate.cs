using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// What both roles' pods are made of: the user's template, of which only container 0 is ever changed, and the job's labels
/// over the user's. Works on fresh trees; what was observed stays as it is.
/// </summary>
internal static class PodTemplate
{
    /// <summary>Labels and annotations of a template's pods: the user's, under ours where both have a key.</summary>
    public static JsonObject Metadata(JsonElement template, Draft draft, IEnumerable<KeyValuePair<string, string>> labels)
    {
        var merged = new JsonObject();
        foreach (var (key, value) in template.TextMap("metadata", "labels").OrderBy(static l => l.Key, StringComparer.Ordinal)) merged[key] = value;
        foreach (var (key, value) in labels) merged[key] = value;
        if (!draft.Scene.Options.Strict) merged[PlanningNames.JobUid] = draft.Scene.Uid;
        var metadata = new JsonObject { ["labels"] = merged };
        if (template.At("metadata", "annotations").ToTree() is JsonObject { Count: > 0 } annotations) metadata["annotations"] = annotations;
        return metadata;
    }

    public static JsonObject Spec(JsonElement template) => template.At("spec").ToTree() as JsonObject ?? [];

    /// <summary>The only container that is ever changed. The parser has made sure that there is one.</summary>
    public static JsonObject ContainerZero(JsonObject podSpec) => (JsonObject)podSpec.Array("containers")[0]!;

    /// <summary>Host name and subdomain give the pod its name in DNS.</summary>
    /// <param name="hostname">Null where whoever makes the pod names its host.</param>
    public static void Name(JsonObject podSpec, string? hostname, RunProfile profile)
    {
        if (hostname is not null) podSpec["hostname"] = hostname;
        else podSpec.Remove("hostname");
        podSpec["subdomain"] = profile.Service;
        ResolveOnHostNetwork(podSpec);
    }

    /// <summary>On the node's network, names resolve only through the cluster's DNS.</summary>
    public static void ResolveOnHostNetwork(JsonObject podSpec)
    {
        if (podSpec["hostNetwork"] is JsonValue value && value.TryGetValue<bool>(out var hostNetwork) && hostNetwork) podSpec["dnsPolicy"] = "ClusterFirstWithHostNet";
    }

    /// <summary>Lets bare names of pods resolve. Hydra's proxies call the launcher back by its bare host name.</summary>
    public static void SearchService(JsonObject podSpec, Draft draft)
    {
        var options = draft.Scene.Options;
        var domain = options.Strict || options.ClusterDomain.Length == 0 ? "cluster.local" : options.ClusterDomain;
        podSpec.Object("dnsConfig").Array("searches").Add((JsonNode)$"{draft.Scene.Profile.Service}.{draft.Scene.Namespace}.svc.{domain}");
    }

    /// <summary>Makes the container's words the arguments of others, each as it was.</summary>
    public static void Wrap(JsonObject container, ImmutableArray<string> wrapper)
    {
        if (wrapper.IsEmpty) return;
        var words = new[] { "command", "args" }.SelectMany(member => container[member] as JsonArray ?? []).Select(static word => word?.DeepClone());
        container["args"] = new JsonArray([.. words]);
        container["command"] = wrapper.ToTree();
    }

    public static void AddEnv(JsonObject container, IEnumerable<EnvRule> rules, bool strict)
    {
        var env = container.Array("env");
        foreach (var rule in rules)
        {
            if (strict && rule.Origin == EnvOrigin.Added) continue;
            if (!strict && Find(env, rule.Name) is { } users)
            {
                // Of two entries with one name the last wins: the user's has a reason, unless it says who the pod is.
                if (rule.Origin != EnvOrigin.Identity) continue;
                env.Remove(users);
            }

            env.Add((JsonNode)(rule.FieldPath is { } path
                ? new JsonObject { ["name"] = rule.Name, ["valueFrom"] = new JsonObject { ["fieldRef"] = new JsonObject { ["fieldPath"] = path } } }
                : new JsonObject { ["name"] = rule.Name, ["value"] = rule.Value }));
        }
    }

    /// <summary>
    /// What a container leaves behind when it fails: the tail of its log reaches the pod's status, which is all that the
    /// operator ever reads (design section 3).
    /// </summary>
    public static void KeepLastWords(JsonObject container, bool strict)
    {
        if (!strict && container["terminationMessagePolicy"] is null) container["terminationMessagePolicy"] = "FallbackToLogsOnError";
    }

    /// <summary>The user that container 0 runs as; null where the image decides.</summary>
    public static long? EffectiveUser(JsonObject podSpec) =>
        RunAsUser(ContainerZero(podSpec)["securityContext"]) ?? RunAsUser(podSpec["securityContext"]);

    public static long? RunAsUser(JsonNode? securityContext) =>
        securityContext is JsonObject context && context["runAsUser"] is JsonValue value && value.TryGetValue<long>(out var uid) ? uid : null;

    public static bool? RunAsNonRoot(JsonNode? securityContext) =>
        securityContext is JsonObject context && context["runAsNonRoot"] is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : null;

    private static JsonNode? Find(JsonArray env, string name)
    {
        foreach (var entry in env)
        {
            if (entry is JsonObject variable && variable["name"] is JsonValue value && value.TryGetValue<string>(out var text) && text == name) return entry;
        }

        return null;
    }
}
