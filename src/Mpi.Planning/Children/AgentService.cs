using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// The Service through which workers dial the launcher (design section 4): its address is known before any pod exists, so no worker
/// looks up a name. It leads to the launcher while that still waits in its gate.
/// </summary>
internal static class AgentService
{
    /// <summary>
    /// How long the server is given to assign an address, which it does with the creation. Without one workers ask DNS for the launcher.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <returns>Whether workers can be made: the address is known, or there will be none.</returns>
    public static bool Ensure(Draft draft)
    {
        var scene = draft.Scene;
        var name = scene.Profile.Agent;
        if (scene.Seen.AgentService is not { } present)
        {
            draft.Do(new PlanAction.Create(Kinds.Service, Manifest(draft)));
            return false;
        }

        if (present.ClusterIp.Length > 0) return true;
        var due = (present.Meta.CreationTimestamp ?? scene.Now) + Patience;
        if (scene.Now >= due) return true;
        draft.Revisit(due);
        return false;
    }

    private static JsonObject Manifest(Draft draft)
    {
        var profile = draft.Scene.Profile;
        var service = ChildManifest.Of(profile, Kinds.Service, profile.Agent);
        var port = AgentPods.Port(draft);
        service["spec"] = new JsonObject
        {
            ["selector"] = profile.LauncherSelector.ToTree(),
            ["publishNotReadyAddresses"] = true,
            // The target's own number: workers that ask DNS instead dial the launcher itself.
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "agent", ["port"] = port, ["targetPort"] = port, ["protocol"] = "TCP" }),
        };
        return service;
    }
}
