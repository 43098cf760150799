using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// The gate (design section 4): two init containers that let the launcher's command start only after every worker was proven
/// reachable. One delivers the agent into a volume, the other runs it in the launcher's own image, with its user, mounts
/// and environment: so the proof is exactly what mpirun will do.
/// </summary>
internal static class Gate
{
    public static bool Applies(Draft draft) =>
        draft.Scene.Options is { Strict: false, Gate.Enabled: true }
        && draft.Run is { Gated: true, Transport: Transport.Ssh, Workers.Count: > 0 }
        && SkipReason(draft.Run) is null;

    /// <summary>Why a job that asks for a gate cannot have one; null when it can. Worth an event.</summary>
    public static string? SkipReason(MpiRun run)
    {
        if (Mesh(run.Launcher.Template) is { } mesh) return $"{mesh} cuts init containers off from the network";
        return PlainlyNoSshd(run.Workers.Template.Items("spec", "containers").FirstOrDefault()) is { } command
            ? $"workers run {command} and no sshd that could be asked"
            : null;
    }

    public static void AddTo(JsonObject podSpec, Draft draft)
    {
        podSpec.Array("volumes").Add((JsonNode)new JsonObject { ["name"] = PlanningNames.AgentVolume, ["emptyDir"] = new JsonObject() });
        var containers = podSpec.Array("initContainers");
        // After the user's own: those may prepare what the login needs.
        containers.Add((JsonNode)Deliver(podSpec, draft));
        containers.Add((JsonNode)Wait(podSpec, draft));
    }

    private static JsonObject Deliver(JsonObject podSpec, Draft draft)
    {
        var options = draft.Scene.Options.Gate;
        var container = new JsonObject { ["name"] = PlanningNames.DeliverContainer, ["image"] = options.AgentImage };
        if (options.PullPolicy is { } policy) container["imagePullPolicy"] = policy;
        container["command"] = new JsonArray(AgentContract.ImagePath, AgentContract.DeliverRole, PlanningNames.AgentMountPath);
        AddResources(container, podSpec);
        container["volumeMounts"] = new JsonArray(new JsonObject { ["name"] = PlanningNames.AgentVolume, ["mountPath"] = PlanningNames.AgentMountPath });
        // The agent's image has a user of its own, not root; only a pod that makes everything root overrides it.
        var podIsRoot = PodTemplate.RunAsUser(podSpec["securityContext"]) == 0;
        container["securityContext"] = Restricted(runAsNonRoot: !podIsRoot);
        return container;
    }

    private static JsonObject Wait(JsonObject podSpec, Draft draft)
    {
        var main = PodTemplate.ContainerZero(podSpec);
        var container = new JsonObject { ["name"] = PlanningNames.GateContainer };
        Copy("image", main, container);
        Copy("imagePullPolicy", main, container);
        var command = new JsonArray(
            $"{PlanningNames.AgentMountPath}/{AgentContract.FileName}", AgentContract.GateRole,
            "--transport", "ssh",
            "--hostfile", $"{draft.Wiring.ConfigMountPath}/hostfile",
            "--notice", $"{draft.Wiring.ConfigMountPath}/discover_hosts.sh",
            "--timeout", Duration(draft.Scene.Options.Gate.Timeout));
        if (SshArguments.Of(draft.Run.Launcher.Template.Items("spec", "containers").FirstOrDefault()) is { } sshArguments)
        {
            command.Add((JsonNode)"--ssh-args");
            command.Add((JsonNode)sshArguments);
        }

        if (draft.Run.Launcher.RunsRanks)
        {
            // It is in the hostfile, and it cannot answer before it is through here.
            command.Add((JsonNode)"--skip");
            command.Add((JsonNode)draft.Scene.Profile.Host(draft.Scene.Profile.Launcher, draft.Scene.Options.ClusterDomain));
        }

        container["command"] = command;
        Copy("env", main, container);
        Copy("envFrom", main, container);
        AddResources(container, podSpec);
        var mounts = main["volumeMounts"]?.DeepClone() as JsonArray ?? [];
        mounts.Add((JsonNode)new JsonObject { ["name"] = PlanningNames.AgentVolume, ["mountPath"] = PlanningNames.AgentMountPath, ["readOnly"] = true });
        container["volumeMounts"] = mounts;

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
    }

    /// <summary>What Pod Security's level "restricted" asks for, so that our additions never bar a pod from a namespace.</summary>
    private static JsonObject Restricted(bool runAsNonRoot)
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

    /// <summary>
    /// Container 0's requests and limits without devices: the pod's effective request, its QoS class and what quotas see stay as
    /// the user wrote them, and no init container holds a GPU.
    /// </summary>
    private static void AddResources(JsonObject container, JsonObject podSpec)
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

    private static string? Mesh(JsonElement template)
    {
        foreach (var (key, value, mesh) in (ReadOnlySpan<(string, string, string)>)
            [("sidecar.istio.io/inject", "true", "Istio"), ("linkerd.io/inject", "enabled", "Linkerd"), ("kuma.io/sidecar-injection", "enabled", "Kuma")])
        {
            if (template.Text("metadata", "labels", key) == value || template.Text("metadata", "annotations", key) == value) return mesh;
        }

        return null;
    }

    /// <summary>
    /// The command of a worker that certainly starts no sshd: a program that only waits, or a script in place whose text has no
    /// word of ssh and calls no other script. Anything that might start one is asked, and the timeout helps where it does not.
    /// </summary>
    private static string? PlainlyNoSshd(JsonElement container)
    {
        var words = container.Items("command").Concat(container.Items("args")).Select(static w => w.ValueKind == JsonValueKind.String ? w.GetString()! : "").ToList();
        if (words.Count == 0 || container.Items("command").FirstOrDefault().ValueKind != JsonValueKind.String) return null;
        var program = words[0][(words[0].LastIndexOf('/') + 1)..];
        switch (program)
        {
            case "sleep" or "tail" or "cat" or "true" or "pause":
                return program;
            case "sh" or "bash" or "dash" or "ash":
                var script = string.Join(' ', words.Skip(1));
                var mayStartIt = script.Contains("ssh", StringComparison.Ordinal) || script.Contains(".sh", StringComparison.Ordinal) || script.Contains("entrypoint", StringComparison.Ordinal);
                return !mayStartIt && (script.Contains("sleep", StringComparison.Ordinal) || script.Contains("tail", StringComparison.Ordinal)) ? $"\"{script}\"" : null;
            default:
                return null;
        }
    }

    private static void Copy(string member, JsonObject from, JsonObject to)
    {
        if (from[member] is { } value) to[member] = value.DeepClone();
    }

    /// <summary>As Go writes durations: <c>10m</c>, <c>90s</c>.</summary>
    private static string Duration(TimeSpan span)
    {
        var seconds = (long)Math.Max(1, span.TotalSeconds);
        return seconds % 60 == 0 ? string.Create(CultureInfo.InvariantCulture, $"{seconds / 60}m") : string.Create(CultureInfo.InvariantCulture, $"{seconds}s");
    }
}
