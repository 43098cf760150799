using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>The pods of a Job: their names, labels and shape, as the API documents them for <c>batch/v1</c>.</summary>
public static class JobPods
{
    /// <summary>Holds a pod until its end is written into the Job's status, so that none goes uncounted.</summary>
    public const string TrackingFinalizer = "batch.kubernetes.io/job-tracking";

    public const string IndexLabel = "batch.kubernetes.io/job-completion-index";

    public static bool IsTracked(this PodView pod) => pod.Meta.Finalizers.Contains(TrackingFinalizer);

    /// <summary>The Job that answers for a pod: its controller or, when nobody controls it but it is tracked yet, the one that made it.</summary>
    public static ObjectKey? JobOf(PodView pod) => pod.Meta.Controller switch
    {
        { Kind: "Job" } owner when owner.ApiVersion.StartsWith("batch/", StringComparison.Ordinal) => new ObjectKey(pod.Meta.Namespace, owner.Name),
        null when pod.IsTracked() && pod.Meta.Labels.TryGetValue("batch.kubernetes.io/job-name", out var maker) => new ObjectKey(pod.Meta.Namespace, maker),
        _ => null,
    };

    /// <summary>The completion index of a pod of an Indexed Job; null when it carries none.</summary>
    public static int? CompletionIndex(this PodView pod) =>
        pod.Meta.Annotations.TryGetValue(IndexLabel, out var text) && int.TryParse(text, out var index) && index >= 0 ? index : null;

    /// <summary>With podReplacementPolicy TerminatingOrFailed, a pod whose deletion has begun has failed already.</summary>
    public static bool HasEnded(PodView pod, JobView job) => pod.IsFinished || (pod.IsTerminating && !job.ReplacesOnlyFailedPods);

    /// <summary>
    /// The pod in the given place of the Job's succession. The name follows from the Job's UID and the place
    /// (<see cref="NameSuffix"/>), so that no pod is ever made twice.
    /// </summary>
    public static string NameOf(JobView job, int? index, int place) => NameSuffix.Name(Prefix(job, index), $"{job.Meta.Uid}/{index}/{place}");

    /// <param name="last">The failed pod that this one follows, where failures are counted for each index.</param>
    public static NewPod Build(JobView job, int? index, int place, PodView? last = null)
    {
        var (meta, spec) = PodTemplate.Open(job.Template, job.Object, Kinds.Job);
        var name = NameOf(job, index, place);

        meta["generateName"] = NameSuffix.Prefix(Prefix(job, index));
        meta["name"] = name;
        var labels = meta.Object("labels");
        labels["batch.kubernetes.io/controller-uid"] = job.Meta.Uid;
        labels["batch.kubernetes.io/job-name"] = job.Meta.Name;
        labels["controller-uid"] = job.Meta.Uid;
        labels["job-name"] = job.Meta.Name;
        var finalizers = meta.Array("finalizers");
        if (!finalizers.Any(static f => f?.GetValue<string>() == TrackingFinalizer)) finalizers.Add((JsonNode)TrackingFinalizer);

        if (index is { } at)
        {
            labels[IndexLabel] = $"{at}";
            meta.Object("annotations")[IndexLabel] = $"{at}";
            if (job.BackoffLimitPerIndex is not null)
            {
                var (failures, ignored) = JobIndexes.After(job, last);
                meta.Object("annotations")[JobIndexes.FailureCount] = $"{failures}";
                if (ignored > 0) meta.Object("annotations")[JobIndexes.IgnoredFailureCount] = $"{ignored}";
            }

            spec["hostname"] = $"{job.Meta.Name}-{at}";
            foreach (var container in spec.Array("containers").Concat(spec["initContainers"] as JsonArray ?? [])) AddIndexVariable(container);
        }

        return new NewPod(name, PodTemplate.Close(meta, spec));
    }

    private static void AddIndexVariable(JsonNode? container)
    {
        if (container is not JsonObject tree) return;
        var variables = tree.Array("env");
        if (variables.Any(static v => v?["name"]?.GetValue<string>() == "JOB_COMPLETION_INDEX")) return;
        variables.Add((JsonNode)new JsonObject
        {
            ["name"] = "JOB_COMPLETION_INDEX",
            ["valueFrom"] = new JsonObject { ["fieldRef"] = new JsonObject { ["apiVersion"] = "v1", ["fieldPath"] = $"metadata.labels['{IndexLabel}']" } },
        });
    }

    private static string Prefix(JobView job, int? index) => index is { } at ? $"{job.Meta.Name}-{at}-" : $"{job.Meta.Name}-";
}
