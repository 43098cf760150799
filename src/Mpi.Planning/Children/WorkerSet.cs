using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>The StatefulSet of a run's workers, as operators before bare pods made it (spec 6.2).</summary>
internal static class WorkerSet
{
    public static JsonObject Manifest(Draft draft)
    {
        var (profile, count) = (draft.Scene.Profile, draft.Run.Workers.Count);
        var template = WorkerPod.Template(draft);
        var set = ChildManifest.Of(profile, Kinds.StatefulSet, profile.WorkerSet);
        var metadata = set.Object("metadata");
        metadata["labels"] = profile.WorkerSetLabels.ToTree();
        metadata["annotations"] = new JsonObject
        {
            [PlanningNames.TemplateDigest] = ChildManifest.DigestOf(template),
            [PlanningNames.StandingWorkers] = count.ToString(CultureInfo.InvariantCulture),
        };
        set["spec"] = new JsonObject
        {
            // None of them waits for another to be ready.
            ["podManagementPolicy"] = "Parallel",
            ["replicas"] = count,
            ["selector"] = new JsonObject { ["matchLabels"] = profile.WorkerLabels.ToTree() },
            ["serviceName"] = profile.Service,
            ["template"] = template,
        };
        return set;
    }

    /// <summary>Whether it differs from what would be made now in more than its size.</summary>
    public static bool MustBeRemade(Draft draft, StatefulSetView set) =>
        set.TemplateDigest is { } digest && digest != ChildManifest.DigestOf(WorkerPod.Template(draft));
}
