using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Pod Security admission: what a namespace's labels enforce, pods must pass; what they warn of, the authors of pods and of pod templates are
/// told. The words are those of the admission plugin of the same name.
/// </summary>
internal sealed class PodSecurityRule : AdmissionRule
{
    private static readonly FrozenSet<ResourceKind> Templates = new[] { Kinds.Job, Kinds.Deployment, Kinds.ReplicaSet, Kinds.StatefulSet }.ToFrozenSet();

    public override void Check(JsonObject obj, WriteContext context)
    {
        if (context.Kind == Kinds.Namespace) CheckLabels(obj, [], context);
        else if (context.Kind == Kinds.Pod) CheckPod(obj, context);
        else if (Templates.Contains(context.Kind)) Warn(obj.Object("spec").Object("template"), PolicyOf(context), context);
    }

    public override void CheckUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        if (context.Call.Subresource is not null) return;
        if (context.Kind == Kinds.Namespace) CheckChange(obj, old, context);
        else if (context.Kind == Kinds.Pod && !Images(obj).SequenceEqual(Images(old), StringComparer.Ordinal)) CheckPod(obj, context);
        else if (Templates.Contains(context.Kind)) Warn(obj.Object("spec").Object("template"), PolicyOf(context), context);
    }

    private static void CheckPod(JsonObject pod, WriteContext context)
    {
        var policy = PolicyOf(context);
        if (PodSecurityChecks.Find(pod, policy.Enforce) is { Count: > 0 } found)
        {
            throw Failures.Forbidden(Kinds.Pod, pod.Text("metadata", "name") ?? "", $"violates PodSecurity \"{policy.Enforce}\": {string.Join(", ", found)}");
        }

        Warn(pod, policy, context);
    }

    /// <param name="pod">A pod or a pod's template.</param>
    private static void Warn(JsonObject pod, PodSecurityPolicy policy, WriteContext context)
    {
        if (PodSecurityChecks.Find(pod, policy.Warn) is { Count: > 0 } found) context.Warnings.Add($"would violate PodSecurity \"{policy.Warn}\": {string.Join(", ", found)}");
    }

    /// <summary>A namespace that becomes stricter keeps its pods, and its author is told which of them could not be made again.</summary>
    private static void CheckChange(JsonObject obj, JsonObject old, WriteContext context)
    {
        var faultsBefore = new List<FieldError>();
        var before = PodSecurityPolicy.Read(Labels(old), faultsBefore).Enforce;
        var enforced = CheckLabels(obj, faultsBefore, context).Enforce;
        if (!enforced.IsStricterThan(before)) return;

        var name = obj.Text("metadata", "name")!;
        var pods = context.Server.Objects(Kinds.Pod);
        var groups = context.Server.Store.Read(pods).Range(name, null)
            .Select(static p => (p.Key.Name, Pod: JsonTree.Read(p.Utf8)))
            .Select(p => (p.Name, Reasons: string.Join(", ", PodSecurityChecks.Find(p.Pod, enforced).Select(static v => v.Reason))))
            .Where(static p => p.Reasons.Length > 0)
            .GroupBy(static p => p.Reasons, static p => p.Name, StringComparer.Ordinal)
            .ToList();
        if (groups.Count == 0) return;
        context.Warnings.Add($"existing pods in namespace \"{name}\" violate the new PodSecurity enforce level \"{enforced}\"");
        context.Warnings.AddRange(groups.Select(static g => $"{First(g)}: {g.Key}").Order(StringComparer.Ordinal));
    }

    /// <param name="known">Faults of the labels as they were, which may stay.</param>
    private static PodSecurityPolicy CheckLabels(JsonObject obj, List<FieldError> known, WriteContext context)
    {
        var faults = new List<FieldError>();
        var policy = PodSecurityPolicy.Read(Labels(obj), faults);
        if (faults.Count > 0 && !faults.SequenceEqual(known)) throw Failures.Invalid(context.Kind, obj.Text("metadata", "name") ?? "", [.. faults]);
        return policy;
    }

    private static PodSecurityPolicy PolicyOf(WriteContext context) =>
        // NamespaceLifecycle has refused what belongs to no namespace.
        PodSecurityPolicy.Read(context.Server.Objects(Kinds.Namespace).Find(new ObjectKey("", context.Call.Namespace!))!.Header.Labels, []);

    private static Dictionary<string, string> Labels(JsonObject obj) => obj.TextMap("metadata", "labels").ToDictionary(StringComparer.Ordinal);

    private static IEnumerable<string> Images(JsonObject pod) => PodSecurityChecks.Containers(pod).Select(static c => c.Text("image") ?? "");

    private static string First(IEnumerable<string> pods)
    {
        var names = pods.Order(StringComparer.Ordinal).ToList();
        return names.Count switch
        {
            1 => names[0],
            2 => $"{names[0]} (and 1 other pod)",
            _ => $"{names[0]} (and {names.Count - 1} other pods)",
        };
    }
}
