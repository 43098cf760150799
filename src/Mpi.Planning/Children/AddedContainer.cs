using System.Text.Json.Nodes;

namespace Mpi.Planning;

/// <summary>What holds for every container that is added to a user's pod.</summary>
internal static class AddedContainer
{
    /// <summary>What Pod Security's level "restricted" asks for, so that our additions never bar a pod from a namespace.</summary>
    public static JsonObject Restricted(bool runAsNonRoot)
    {
        var context = new JsonObject
        {
            ["allowPrivilegeEscalation"] = false,
            ["capabilities"] = new JsonObject { ["drop"] = new JsonArray("ALL") },
            ["readOnlyRootFilesystem"] = true,
            ["seccompProfile"] = new JsonObject { ["type"] = "RuntimeDefault" },
        };
        if (runAsNonRoot) context["runAsNonRoot"] = true;
        return context;
    }

    /// <summary>One that sees what the launcher's own container will: its image, user, mounts and environment.</summary>
    public static JsonObject InLaunchersImage(JsonObject podSpec, string name, JsonArray command)
    {
        var main = PodTemplate.ContainerZero(podSpec);
        var container = new JsonObject { ["name"] = name };
        Copy("image");
        Copy("imagePullPolicy");
        container["command"] = command;
        Copy("env");
        Copy("envFrom");
        CopyResources(container, podSpec);
        container["volumeMounts"] = main["volumeMounts"]?.DeepClone() ?? new JsonArray();

        var user = PodTemplate.EffectiveUser(podSpec);
        var demanded = PodTemplate.RunAsNonRoot(main["securityContext"]) ?? PodTemplate.RunAsNonRoot(podSpec["securityContext"]);
        // Where the image decides about the user, demanding non-root would lock out images that are root.
        var security = Restricted(runAsNonRoot: demanded ?? user is > 0);
        foreach (var member in (ReadOnlySpan<string>)["runAsUser", "runAsGroup"])
        {
            if (main["securityContext"]?[member] is { } value) security[member] = value.DeepClone();
        }

        container["securityContext"] = security;
        return container;

        void Copy(string member)
        {
            if (main[member] is { } value) container[member] = value.DeepClone();
        }
    }

    /// <summary>
    /// Container 0's requests and limits without devices: the pod's effective request, its QoS class and what quotas see stay as
    /// the user wrote them, and no init container holds a GPU.
    /// </summary>
    public static void CopyResources(JsonObject container, JsonObject podSpec)
    {
        if (PodTemplate.ContainerZero(podSpec)["resources"] is not JsonObject resources) return;
        var copied = new JsonObject();
        foreach (var kind in (ReadOnlySpan<string>)["limits", "requests"])
        {
            if (resources[kind] is not JsonObject amounts) continue;
            var kept = new JsonObject();
            foreach (var (name, amount) in amounts)
            {
                if (!IsDevice(name)) kept[name] = amount?.DeepClone();
            }

            if (kept.Count > 0) copied[kind] = kept;
        }

        if (copied.Count > 0) container["resources"] = copied;
    }

    /// <summary>Extended resources have a domain in their name; Kubernetes' own have none, or its own.</summary>
    private static bool IsDevice(string resource) =>
        resource.Contains('/', StringComparison.Ordinal) && !resource.Contains("kubernetes.io/", StringComparison.Ordinal);
}
