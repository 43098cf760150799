using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// Reads one MPI object of kube-batch, in either of its shapes (spec/kube-batch-mpi.md 3): <c>spec.job</c> is a whole Job beside a whole
/// PodGroup, or it is a bare JobSpec. What the old controller overwrote is ignored as it was; what made it crash or hang is a fault here
/// (section 8). One instance reads one manifest.
/// </summary>
internal sealed class KubeBatchParser(JsonElement manifest)
{
    /// <summary>Bytes that the API server lets a ConfigMap hold.</summary>
    private const int ConfigMapLimit = 1_048_576;

    /// <summary>The longest text of an address, IPv6's.</summary>
    private const int AddressLength = 39;

    /// <summary>What says of a Job that single pods of it may fail, or succeed for all: here a failure is the gang's, and the executor alone decides.</summary>
    private static readonly ImmutableArray<string> OneByOne = ["backoffLimitPerIndex", "maxFailedIndexes", "podFailurePolicy", "successPolicy"];

    private readonly FieldReader _read = new();

    public ParseResult Parse()
    {
        if (!JsonText.IsSound(manifest)) return new ParseResult.Rejected([FieldError.Invalid("", "", "the manifest holds text that is not valid Unicode", "Save it as UTF-8.")]);
        var metadata = _read.Object(manifest, "metadata", "metadata", "Write the job's name under metadata.");
        var name = _read.Text(metadata, "name", "metadata.name") ?? "";
        var spec = _read.Object(manifest, "spec", "spec", "Write job under spec.");
        var (found, path) = ReadShape(spec);
        var jobSpec = found ?? default;

        var count = ReadCount(jobSpec, path);
        CheckSize(name, count, path);
        foreach (var field in OneByOne.Where(f => !FieldReader.IsAbsent(jobSpec.At(f)))) _read.Add(OneForAll(jobSpec, field, path));
        var retry = new RetryPolicy(NotNegative32(jobSpec, "backoffLimit", path), NotNegative(jobSpec, "activeDeadlineSeconds", path));
        var ttl = NotNegative32(jobSpec, "ttlSecondsAfterFinished", path);
        var suspended = _read.Flag(jobSpec, "suspend", $"{path}.suspend") ?? false;
        var annotations = ReadAnnotations(metadata);
        var template = found is null ? default : ReadTemplate(jobSpec, path, annotations.Container);
        var jobLabels = ReadJobLabels(spec.At("job"));
        var gang = ReadPodGroup(spec, found is null ? int.MaxValue : count);
        if (_read.Errors is { IsEmpty: false } errors) return new ParseResult.Rejected(errors);

        template = AsUsed(template, jobLabels, annotations.Container);
        return new ParseResult.Run(new MpiRun
        {
            Dialect = KubeBatchDialect.Mpi.ApiVersion,
            Meta = ObjectMeta.Read(metadata),
            // All pods are alike: the first index is the executor, which is a host of ranks as well.
            Workers = new WorkerGroup(count - 1, 1, template, "Never") { Form = WorkerForm.JobIndexes },
            Launcher = new Launcher(template, "Never", RunsRanks: true, LauncherCreation.AtStartup) { JobLabels = jobLabels },
            Mpi = MpiImplementation.Mpich,
            Transport = new TransportChoice(Transport.Agent, annotations.ChoseAgent ? $"annotation {KubeMpiAnnotations.Transport}" : "the default of kube-batch's MPI"),
            Gated = annotations.Gated,
            Retry = retry,
            Cleanup = CleanPodPolicy.None,
            Suspended = suspended,
            TtlSecondsAfterFinished = ttl,
            JobTtlSecondsAfterFinished = annotations.JobTtl,
            Gang = gang,
            GangScheduler = annotations.GangScheduler ?? "kube-batch",
        });
    }

    /// <summary>Which of the two shapes it is: the JobSpec, null where that is told already, and where it stands.</summary>
    private (JsonElement? JobSpec, string Path) ReadShape(JsonElement spec)
    {
        const string path = "spec.job", whole = "spec.job.spec";
        var job = _read.Object(spec, "job", path, "Write a Job, or a JobSpec, under spec.job.");
        var (hasSpec, hasTemplate) = (!FieldReader.IsAbsent(job.At("spec")), !FieldReader.IsAbsent(job.At("template")));
        if (hasSpec && hasTemplate)
        {
            const string fix = "Keep one of spec.job.spec and spec.job.template.";
            _read.Add(FieldError.Invalid(whole, "{...}", "must not stand beside spec.job.template: spec.job is either a Job, with a spec, or a JobSpec, with a template", fix));
            _read.Add(FieldError.Invalid($"{path}.template", "{...}", "must not stand beside spec.job.spec: spec.job is either a Job, with a spec, or a JobSpec, with a template", fix));
            return (null, path);
        }

        if (hasSpec || job.Text("kind") == "Job")
        {
            var jobSpec = _read.Object(job, "spec", whole, "Write parallelism and template under spec.job.spec.");
            return (hasSpec && jobSpec.ValueKind == JsonValueKind.Undefined ? null : jobSpec, whole);
        }

        if (hasTemplate) return (job, path);
        if (FieldReader.IsAbsent(spec.At("job")) || job.ValueKind == JsonValueKind.Object)
        {
            _read.Add(FieldError.Required(path, "needs either a Job with a spec or a bare JobSpec", "Write a Job's spec under spec.job.spec, with parallelism and template."));
        }

        return (null, path);
    }

    /// <summary>The number of pods. A pod more would find an executor that is gone, and hang (8, row 2).</summary>
    private int ReadCount(JsonElement jobSpec, string path)
    {
        var parallelism = Positive(jobSpec, "parallelism", path);
        var completions = Positive(jobSpec, "completions", path);
        if (parallelism is { } pods && completions is { } ends && pods != ends)
        {
            _read.Add(FieldError.Invalid($"{path}.completions", Print(ends), $"must be equal to parallelism, which is {pods}: all pods of an MPI program run at once, and once", $"Write {pods}, or leave it out."));
        }

        return parallelism ?? completions ?? 1;
    }

    /// <summary>Each pod's host name is a label of DNS; so are the two Services' names.</summary>
    private void CheckSize(string name, int count, string path)
    {
        var last = $"{name}-{Print(count - 1)}";
        var longest = $"{name}-agent" is var service && service.Length > last.Length ? service : last;
        if (Names.CheckDns1035Label(longest) is { IsEmpty: false } faults)
        {
            _read.Add(FieldError.Invalid(
                "metadata.name", $"\"{name}\"", $"pods and Services are called by it, and \"{longest}\" is no DNS label: {string.Join(", ", faults)}",
                name.Length == 0 ? "Give the job a name." : $"Use lower-case letters, digits and '-', a letter first, at most {63 - (longest.Length - name.Length)} characters."));
        }

        var bytes = (long)count * (AddressLength + 1 + last.Length + 1);
        if (bytes > ConfigMapLimit) _read.Add(FieldError.Invalid($"{path}.parallelism", Print(count), $"the list of hosts would take {bytes} bytes and a ConfigMap holds {ConfigMapLimit}", "Use fewer pods, or a shorter name."));
    }

    private static FieldError OneForAll(JsonElement jobSpec, string field, string path) => FieldError.Invalid(
        $"{path}.{field}", FieldReader.Print(jobSpec.At(field)), "must be left out: an MPI program does not survive the loss of a rank, so a pod that fails restarts all of them, and the executor's end is the job's", "Remove it; backoffLimit says how often to start anew.");

    /// <param name="name">Of the container that runs the command; null for the first.</param>
    private JsonElement ReadTemplate(JsonElement jobSpec, string path, string? name)
    {
        path += ".template";
        var template = _read.Object(jobSpec, "template", path, "Write a pod template under template.");
        var containers = _read.Object(template, "spec", $"{path}.spec", "Write the pod's fields under template.spec.").At("containers");
        if (FieldReader.IsAbsent(containers) || (containers.ValueKind == JsonValueKind.Array && containers.GetArrayLength() == 0))
        {
            _read.Add(FieldError.Required($"{path}.spec.containers", "must define at least one container", "Add a container with name, image and command."));
        }
        else if (containers.ValueKind != JsonValueKind.Array)
        {
            _read.Fault(containers, $"{path}.spec.containers", "must be a list", "Write each container as a list item, with '- ' before its name.");
        }
        else if (IndexOf(containers, name) is not { } index)
        {
            _read.Add(FieldError.NotSupported($"metadata.annotations[{KubeMpiAnnotations.Container}]", name!, [.. containers.Items().Select(static c => c.Text("name") ?? "")], "Name the container that runs mpirun, or leave it out for the first."));
        }
        else if (containers[index] is var container && IsEmpty(container.At("command")) && IsEmpty(container.At("args")))
        {
            _read.Add(FieldError.Required(
                $"{path}.spec.containers[{Print(index)}].command", "must say what to run: the executor alone runs it, so each pod begins with the agent, which cannot know the image's entrypoint", "Write the image's entrypoint and its arguments here, such as command: [mpirun, -n, \"6\", ./program]."));
        }

        PodTemplateReader.Check(template, path, _read);
        return template;
    }

    private static int? IndexOf(JsonElement containers, string? name) =>
        name is null ? 0 : containers.Items().Select(static (container, index) => (container, index)).Where(c => c.container.Text("name") == name).Select(static c => (int?)c.index).FirstOrDefault();

    private static bool IsEmpty(JsonElement list) => FieldReader.IsAbsent(list) || (list.ValueKind == JsonValueKind.Array && list.GetArrayLength() == 0);

    /// <summary>Shape A's <c>spec.job.metadata.labels</c>: on the Job, and on its pods.</summary>
    private ImmutableSortedDictionary<string, string> ReadJobLabels(JsonElement job)
    {
        const string path = "spec.job.metadata";
        var labels = _read.Object(_read.Object(job, "metadata", path, "Write labels under metadata."), "labels", $"{path}.labels", "Write labels as key: value lines.");
        foreach (var label in labels.Members())
        {
            if (label.Value.ValueKind != JsonValueKind.String) _read.Fault(label.Value, $"{path}.labels[{label.Name}]", "must be a string", FieldReader.QuoteIt(label.Value));
        }

        return labels.TextMap().ToImmutableSortedDictionary(StringComparer.Ordinal);
    }

    /// <summary>
    /// The template without what was always overwritten (3, "forced fields"); its pods have the Job's labels, under their own. The container that runs the
    /// command comes first, where everybody looks for it: <c>kubectl logs</c>, too.
    /// </summary>
    private static JsonElement AsUsed(JsonElement template, ImmutableSortedDictionary<string, string> labels, string? name)
    {
        var tree = (JsonObject)template.ToTree()!;
        var podSpec = tree.Object("spec");
        foreach (var member in (ReadOnlySpan<string>)["restartPolicy", "serviceAccount", "serviceAccountName"]) podSpec.Remove(member);
        if (IndexOf(template.At("spec", "containers"), name) is > 0 and var index)
        {
            var containers = podSpec.Array("containers");
            var chosen = containers[index];
            containers.RemoveAt(index);
            containers.Insert(0, chosen);
        }

        if (labels.IsEmpty) return JsonElement.Parse(tree.ToUtf8());
        var merged = tree.Object("metadata").Object("labels");
        foreach (var (key, value) in labels) merged[key] ??= value;
        return JsonElement.Parse(tree.ToUtf8());
    }

    /// <summary>A gang larger than its pods would wait for ever (8, row 20).</summary>
    /// <param name="count">The number of pods; the largest there is where that is not known.</param>
    private GangPolicy ReadPodGroup(JsonElement spec, int count)
    {
        const string path = "spec.podGroup.spec";
        var group = _read.Object(_read.Object(spec, "podGroup", "spec.podGroup", "Write spec under spec.podGroup."), "spec", path, "Write minMember and queue under spec.podGroup.spec.");
        var members = Positive(group, "minMember", path);
        if (members > count) _read.Add(FieldError.Invalid($"{path}.minMember", Print(members.Value), $"must not be more than the job's {count} pods: they would wait for ever", $"Write {count}, or leave it out."));
        return new GangPolicy(members, NotEmpty(_read.Text(group, "queue", $"{path}.queue")), default, NotEmpty(_read.Text(group, "priorityClassName", $"{path}.priorityClassName")), null);
    }

    private (bool Gated, bool ChoseAgent, string? GangScheduler, int? JobTtl, string? Container) ReadAnnotations(JsonElement metadata)
    {
        var annotations = new AnnotationReader(metadata.At("annotations"), _read);
        annotations.Only(KubeMpiAnnotations.OnWorkerLoss, "restart", "all pods are of one Job, whose failure is that of all");
        var choseAgent = annotations.Only(KubeMpiAnnotations.Transport, "agent", "all pods are alike and run the agent; they have neither an sshd of their own nor rights in the API");
        return (annotations.Choice(KubeMpiAnnotations.Gate, ["true", "false"]) != "false", choseAgent, annotations.Text(KubeMpiAnnotations.GangScheduler), annotations.Seconds(KubeMpiAnnotations.JobTtl), annotations.Text(KubeMpiAnnotations.Container));
    }

    private int? Positive(JsonElement parent, string name, string path)
    {
        var value = _read.Int32(parent, name, $"{path}.{name}");
        if (value is null or >= 1) return value;
        _read.Add(FieldError.Invalid($"{path}.{name}", Print(value.Value), "must be greater than or equal to 1", "Write 1 or more, or leave it out."));
        return null;
    }

    private long? NotNegative(JsonElement parent, string name, string path) => CheckSign(_read.Int64(parent, name, $"{path}.{name}"), $"{path}.{name}");

    private int? NotNegative32(JsonElement parent, string name, string path) => (int?)CheckSign(_read.Int32(parent, name, $"{path}.{name}"), $"{path}.{name}");

    private long? CheckSign(long? value, string path)
    {
        if (value < 0) _read.Add(FieldError.Invalid(path, Print(value.Value), "must be greater than or equal to 0", "Write 0 or more."));
        return value;
    }

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static string Print(long number) => number.ToString(CultureInfo.InvariantCulture);
}
