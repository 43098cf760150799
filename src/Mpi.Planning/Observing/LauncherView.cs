using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>The launcher's batch/v1 Job.</summary>
public sealed record LauncherView(ChildMeta Meta)
{
    public bool Suspended { get; init; }

    /// <summary>Since when the Job controller has known that; null while it does not, and of a Job that is not suspended.</summary>
    public DateTimeOffset? SuspendedAt { get; init; }
    public int? TtlSecondsAfterFinished { get; init; }

    /// <summary>When the Job controller started it; absent while it is suspended from the beginning.</summary>
    public DateTimeOffset? StartTime { get; init; }
    public DateTimeOffset? CompletionTime { get; init; }

    /// <summary>Pods that failed so far.</summary>
    public int Failed { get; init; }

    /// <summary>Pods that are neither finished nor being deleted, as the Job controller counts.</summary>
    public int Active { get; init; }

    /// <summary>Pods that succeeded; of an Indexed Job, indexes.</summary>
    public int Succeeded { get; init; }

    /// <summary>The Complete or Failed condition that is True; null while the Job is not finished.</summary>
    public JobEnd? End { get; init; }

    /// <summary>The attempt that it was made for; null for a Job that the operator did not stamp.</summary>
    public int? Attempt { get; init; }

    /// <summary>The digest of the template that the operator rendered; null for a Job that it did not stamp.</summary>
    public string? TemplateDigest { get; init; }

    /// <inheritdoc cref="StatefulSetView.ParentUid"/>
    public string ParentUid { get; init; } = "";

    /// <summary>The digest of what the user had asked for; null where that is not kept (<see cref="PlanningNames.SpecDigest"/>).</summary>
    public string? SpecDigest { get; init; }

    /// <summary>Keys of the template that a resume must be able to take away again; kept for a suspended Job only.</summary>
    public ImmutableArray<string> NodeSelectorKeys { get; init; } = [];

    /// <inheritdoc cref="NodeSelectorKeys"/>
    public ImmutableArray<string> LabelKeys { get; init; } = [];

    /// <inheritdoc cref="NodeSelectorKeys"/>
    public ImmutableArray<string> AnnotationKeys { get; init; } = [];

    public static LauncherView Read(JsonElement root)
    {
        var suspended = root.Flag("spec", "suspend") ?? false;
        return new LauncherView(ChildMeta.Read(root))
        {
            Suspended = suspended,
            SuspendedAt = suspended && Conditions.Find(root.At("status"), "Suspended") is { IsTrue: true } told ? told.LastTransitionTime : null,
            TtlSecondsAfterFinished = (int?)root.Integer("spec", "ttlSecondsAfterFinished"),
            StartTime = root.Time("status", "startTime"),
            CompletionTime = root.Time("status", "completionTime"),
            Failed = (int)(root.Integer("status", "failed") ?? 0),
            Active = (int)(root.Integer("status", "active") ?? 0),
            Succeeded = (int)(root.Integer("status", "succeeded") ?? 0),
            End = JobEnd.Read(root),
            Attempt = int.TryParse(root.Text("metadata", "annotations", PlanningNames.Attempt), NumberStyles.None, CultureInfo.InvariantCulture, out var attempt) ? attempt : null,
            TemplateDigest = root.Text("metadata", "annotations", PlanningNames.TemplateDigest),
            ParentUid = root.Text("metadata", "labels", PlanningNames.ParentUid) ?? "",
            SpecDigest = root.Text("metadata", "annotations", PlanningNames.SpecDigest),
            NodeSelectorKeys = Keys("spec", "nodeSelector"),
            LabelKeys = Keys("metadata", "labels"),
            AnnotationKeys = Keys("metadata", "annotations"),
        };

        ImmutableArray<string> Keys(string part, string map) => suspended ? [.. root.Members("spec", "template", part, map).Select(static m => m.Name)] : [];
    }
}

/// <summary>How a Job ended, from its condition.</summary>
public sealed record JobEnd(bool Succeeded, string Reason, string Message, DateTimeOffset? At)
{
    public static JobEnd? Read(JsonElement job)
    {
        foreach (var condition in job.Items("status", "conditions"))
        {
            if (condition.Text("status") != "True" || condition.Text("type") is not ("Complete" or "Failed")) continue;
            return new JobEnd(
                condition.Text("type") == "Complete", condition.Text("reason") ?? "", condition.Text("message") ?? "", condition.Time("lastTransitionTime"));
        }

        return null;
    }
}
