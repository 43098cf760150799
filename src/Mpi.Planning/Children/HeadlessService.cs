using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>The headless Service under which launcher and workers resolve each other (spec 2.1).</summary>
internal static class HeadlessService
{
    public static void Ensure(Draft draft)
    {
        var scene = draft.Scene;
        var selector = scene.Profile.PodSelector;
        var publish = PublishesUnready(draft.Run, scene.Options);
        if (scene.Seen.Service is not { } present)
        {
            draft.Do(new PlanAction.Create(Kinds.Service, Manifest(scene.Profile, publish)));
        }
        else if (present.PublishNotReadyAddresses != publish || present.Selector.Count != selector.Count || selector.Any(s => present.Selector.GetValueOrDefault(s.Key) != s.Value))
        {
            draft.Do(new PlanAction.Patch(Kinds.Service, scene.Key(scene.Profile.Service), ChildManifest.Patch(present.Meta, "spec", new JsonObject
            {
                ["selector"] = ChildManifest.MapPatch(present.Selector.Keys.Order(StringComparer.Ordinal), selector),
                ["publishNotReadyAddresses"] = publish,
            })));
        }
    }

    public static JsonObject Manifest(RunProfile profile, bool publishNotReadyAddresses)
    {
        var service = ChildManifest.Of(profile, Kinds.Service, profile.Service);
        service["spec"] = new JsonObject
        {
            ["clusterIP"] = "None",
            ["selector"] = profile.PodSelector.ToTree(),
            ["publishNotReadyAddresses"] = publishNotReadyAddresses,
        };
        return service;
    }

    /// <summary>
    /// Names must resolve before pods are ready: the gate in the launcher's init container asks for workers, and workers call
    /// back a launcher whose pod is not ready yet. The old operator does so only for a launcher that runs ranks.
    /// </summary>
    private static bool PublishesUnready(MpiRun run, PlanningOptions options) => !options.Strict || run.Launcher.RunsRanks;
}
