using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class JobKind : KindStrategy
{
    private static readonly string[] Immutable = ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"];

    public override ResourceKind Kind => Kinds.Job;
    public override ImmutableArray<string> Categories => ["all"];
    public override bool HasStatus => true;
    public override bool HasGeneration => true;
    public override ImmutableArray<string> SelectableFields => ["status.successful"];
    public override string DescribeUnselectable(string field) => $"field label \"{field}\" not supported for Job";

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("Status", static j => Status(j)),
        TableColumn.Text("Completions", static j => Completions(j)),
        new("Duration", "string", 0, static (j, now) => Duration(j, now)),
        TableColumn.Age,
        .. PodTemplates.Columns,
        PodTemplates.SelectorColumn,
    ];

    public override string FieldValue(JsonObject obj, string field) => field == "status.successful" ? $"{obj.Integer("status", "succeeded") ?? 0}" : base.FieldValue(obj, field);

    public override void PrepareForCreate(JsonObject obj, WriteContext context)
    {
        obj["status"] = new JsonObject();
        var spec = obj.Object("spec");
        if (spec.Flag("manualSelector") == true) return;

        // The server makes the selector, from the uid, so that no two Jobs ever claim the same pods.
        var (uid, name) = (obj.Text("metadata", "uid")!, obj.Text("metadata", "name")!);
        var labels = spec.Object("template").Object("metadata").Object("labels");
        labels["batch.kubernetes.io/controller-uid"] = uid;
        labels["batch.kubernetes.io/job-name"] = name;
        labels["controller-uid"] = uid;
        labels["job-name"] = name;
        spec.Object("selector").Object("matchLabels")["batch.kubernetes.io/controller-uid"] = uid;
    }

    public override void Default(JsonObject obj)
    {
        var spec = obj.Object("spec");
        // Neither given: one pod. Only parallelism given: a work queue, which has no number of completions.
        if (spec["completions"] is null && spec["parallelism"] is null) spec["completions"] = 1;
        spec.Default("parallelism", 1);
        spec.Default("backoffLimit", spec["backoffLimitPerIndex"] is null ? 6 : int.MaxValue);
        spec.Default("completionMode", "NonIndexed");
        spec.Default("manualSelector", false);
        spec.Default("suspend", false);
        spec.Default("podReplacementPolicy", spec["podFailurePolicy"] is null ? "TerminatingOrFailed" : "Failed");
        PodTemplates.Default(obj);
        if (obj.Members("metadata", "labels") is null or { Count: 0 } && spec.At("template", "metadata", "labels") is JsonObject { Count: > 0 } labels)
        {
            obj.Object("metadata")["labels"] = labels.DeepClone();
        }
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        var spec = obj.Object("spec");
        foreach (var member in new[] { "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes" })
        {
            if (spec.Integer(member) < 0) errors.Add(PodSpecRules.NotNegative($"spec.{member}", spec.Integer(member)));
        }

        PodSpecRules.OneOf(spec, "completionMode", "spec", ["NonIndexed", "Indexed"], errors);
        PodSpecRules.OneOf(spec, "podReplacementPolicy", "spec", ["Failed", "TerminatingOrFailed"], errors);
        if (spec.Text("completionMode") == "Indexed" && spec["completions"] is null)
        {
            errors.Add(FieldError.Required("spec.completions", "when completion mode is Indexed"));
        }

        PodTemplates.Validate(obj, errors);
        if (spec.Text("template", "spec", "restartPolicy") == "Always")
        {
            errors.Add(FieldError.Required("spec.template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\""));
        }

        CheckSelector(obj, spec, errors);
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        var (spec, before) = (obj.Object("spec"), old.Object("spec"));
        if (!spec["completions"].SameAs(before["completions"]) && !IsElastic(spec, before)) errors.Add(FieldUnchanged(spec, "completions"));
        if (!spec["selector"].SameAs(before["selector"])) errors.Add(FieldUnchanged(spec, "selector"));
        foreach (var member in Immutable)
        {
            if (!spec[member].SameAs(before[member])) errors.Add(FieldUnchanged(spec, member));
        }

        var template = spec["template"]?.DeepClone();
        if (MayReschedule(old)) TakeBackScheduling(template as JsonObject, before["template"] as JsonObject);
        if (!template.SameAs(before["template"])) errors.Add(FieldUnchanged(spec, "template"));
    }

    /// <summary>An Indexed Job may be scaled: completions and parallelism together.</summary>
    private static bool IsElastic(JsonObject spec, JsonObject before) =>
        spec.Text("completionMode") == "Indexed" && before.Integer("completions") is not null
        && spec.Integer("completions") is { } now && now == spec.Integer("parallelism");

    /// <summary>A suspended Job that is not running may be told where to run: that is how queueing systems place it.</summary>
    private static bool MayReschedule(JsonObject old) =>
        old.Flag("spec", "suspend") == true && (old.Text("status", "startTime") is null || (old.Integer("status", "active") ?? 0) == 0);

    private static void TakeBackScheduling(JsonObject? template, JsonObject? before)
    {
        if (template is null || before is null) return;
        foreach (var member in new[] { "labels", "annotations" }) TakeBack(template.Object("metadata"), before.Object("metadata"), member);
        foreach (var member in new[] { "nodeSelector", "affinity", "tolerations", "schedulingGates" }) TakeBack(template.Object("spec"), before.Object("spec"), member);
    }

    private static void TakeBack(JsonObject tree, JsonObject before, string member)
    {
        if (before[member] is { } value) tree[member] = value.DeepClone();
        else tree.Remove(member);
    }

    private static FieldError FieldUnchanged(JsonObject spec, string member) =>
        FieldError.Invalid($"spec.{member}", spec[member]?.ToJsonString() ?? "null", "field is immutable");

    private static void CheckSelector(JsonObject obj, JsonObject spec, List<FieldError> errors)
    {
        if (spec["selector"] is not JsonObject)
        {
            errors.Add(FieldError.Required("spec.selector", ""));
            CheckLabels(spec, errors);
            return;
        }

        var generated = obj.Text("metadata", "uid");
        var given = spec.TextMap("selector", "matchLabels").Select(static l => l.Value).Distinct(StringComparer.Ordinal).ToList();
        if (spec.Flag("manualSelector") != true && generated is not null && !(given is [var only] && only == generated))
        {
            errors.Add(FieldError.Invalid("spec.selector", spec["selector"]!.ToJsonString(), "`selector` not auto-generated"));
        }

        CheckLabels(spec, errors);
    }

    private static void CheckLabels(JsonObject spec, List<FieldError> errors)
    {
        var labels = spec.TextMap("template", "metadata", "labels").ToDictionary(StringComparer.Ordinal);
        var selector = spec["selector"] is JsonObject given ? LabelSelector.Read(JsonElement.Parse(given.ToUtf8()), "spec.selector", errors) : LabelSelector.Nothing;
        if (!selector.Matches(labels))
        {
            errors.Add(FieldError.Invalid("spec.template.metadata.labels", spec.At("template", "metadata", "labels")?.ToJsonString() ?? "null", "`selector` does not match template `labels`"));
        }
    }

    private static string Status(JsonObject job)
    {
        if (IsTrue(job, "Complete")) return "Complete";
        if (IsTrue(job, "Failed")) return "Failed";
        if (job.Text("metadata", "deletionTimestamp") is not null) return "Terminating";
        if (IsTrue(job, "Suspended")) return "Suspended";
        if (IsTrue(job, "FailureTarget")) return "FailureTarget";
        return IsTrue(job, "SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
    }

    private static string Completions(JsonObject job)
    {
        var succeeded = job.Integer("status", "succeeded") ?? 0;
        if (job.Integer("spec", "completions") is { } wanted) return $"{succeeded}/{wanted}";
        var parallelism = job.Integer("spec", "parallelism") ?? 0;
        return parallelism > 1 ? $"{succeeded}/1 of {parallelism}" : $"{succeeded}/1";
    }

    private static string Duration(JsonObject job, DateTimeOffset now)
    {
        if (job.Text("status", "startTime") is not { } started) return "";
        if (job.Text("status", "completionTime") is not { } ended || !DateTimeOffset.TryParse(ended, out var end)) return Ages.Since(started, now);
        return Ages.Since(started, end);
    }

    private static bool IsTrue(JsonObject job, string condition) =>
        job.Objects("status", "conditions").Any(c => c.Item.Text("type") == condition && c.Item.Text("status") == "True");
}
