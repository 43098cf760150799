using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;

namespace Mpi.Planning;

/// <summary>The volume with the agent, and the init container that delivers the program into it.</summary>
internal static class AgentVolume
{
    public static void AddTo(JsonObject podSpec, Draft draft)
    {
        podSpec.Array("volumes").Add((JsonNode)new JsonObject { ["name"] = PlanningNames.AgentVolume, ["emptyDir"] = new JsonObject() });
        // After the user's own: those may prepare what a login needs.
        podSpec.Array("initContainers").Add((JsonNode)Deliver(podSpec, draft));
    }

    public static JsonNode Mount(bool readOnly)
    {
        var mount = new JsonObject { ["name"] = PlanningNames.AgentVolume, ["mountPath"] = AgentContract.MountPath };
        if (readOnly) mount["readOnly"] = true;
        return mount;
    }

    private static JsonObject Deliver(JsonObject podSpec, Draft draft)
    {
        var options = draft.Scene.Options.Gate;
        var container = new JsonObject { ["name"] = PlanningNames.DeliverContainer, ["image"] = options.AgentImage };
        if (options.PullPolicy is { } policy) container["imagePullPolicy"] = policy;
        container["command"] = new JsonArray(AgentContract.ImagePath, AgentContract.DeliverRole, AgentContract.MountPath);
        AddedContainer.CopyResources(container, podSpec);
        container["volumeMounts"] = new JsonArray(Mount(readOnly: false));
        // The agent's image has a user of its own, not root; only a pod that makes everything root overrides it.
        var podIsRoot = PodTemplate.RunAsUser(podSpec["securityContext"]) == 0;
        container["securityContext"] = AddedContainer.Restricted(runAsNonRoot: !podIsRoot);
        return container;
    }
}
