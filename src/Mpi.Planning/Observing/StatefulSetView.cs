using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>The apps/v1 StatefulSet whose pods the workers are.</summary>
/// <param name="Replicas">Wanted.</param>
/// <param name="TemplateDigest">Of the template that the operator rendered; null for a StatefulSet that it did not stamp.</param>
/// <param name="Standing">How many of them, from index 0 on, have been wanted ever since the launcher's start (<see cref="PlanningNames.StandingWorkers"/>).</param>
public sealed record StatefulSetView(ChildMeta Meta, int Replicas, string? TemplateDigest, int Standing)
{
    /// <summary>The job that a rival made it for (<see cref="PlanningNames.ParentUid"/>); empty for one that nobody else made.</summary>
    public string ParentUid { get; init; } = "";

    public static StatefulSetView Read(JsonElement root)
    {
        var replicas = (int)Math.Clamp(root.Integer("spec", "replicas") ?? 1, 0, int.MaxValue);
        var standing = int.TryParse(root.Text("metadata", "annotations", PlanningNames.StandingWorkers), NumberStyles.None, CultureInfo.InvariantCulture, out var stood) ? stood : replicas;
        return new StatefulSetView(ChildMeta.Read(root), replicas, root.Text("metadata", "annotations", PlanningNames.TemplateDigest), standing) { ParentUid = root.Text("metadata", "labels", PlanningNames.ParentUid) ?? "" };
    }
}
