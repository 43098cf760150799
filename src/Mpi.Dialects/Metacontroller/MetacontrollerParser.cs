using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>Reads one MPIJob of <c>skatelescope.org/v1</c> (spec 2, 5). One instance reads one manifest.</summary>
internal sealed partial class MetacontrollerParser(JsonElement manifest)
{
    /// <summary>The Job API's default, which the hook wrote out.</summary>
    private const int BackoffLimit = 6;

    private static readonly TimeSpan DefaultGrace = TimeSpan.FromSeconds(60);

    private readonly FieldReader _read = new();
    private readonly List<ManifestWarning> _warnings = [];

    public ParseResult Parse()
    {
        if (!JsonText.IsSound(manifest)) return new ParseResult.Rejected([FieldError.Invalid("", "", "the manifest holds text that is not valid Unicode", "Save it as UTF-8.")]);
        var metadata = _read.Object(manifest, "metadata", "metadata", "Write the job's name under metadata.");
        var name = _read.Text(metadata, "name", "metadata.name") ?? "";
        CheckName(name);
        var spec = _read.Object(manifest, "spec", "spec", "Write replicas and template under spec.");
        var replicas = Count(spec, "replicas", "number of workers");
        var slots = Count(spec, "slots", "number of slots");
        CheckSize(name, replicas);
        var daemon = ReadDaemon(spec);
        var image = Expanded(_read.Text(spec, "image", "spec.image"), "spec.image") is { Length: > 0 } text ? text : null;
        var template = ReadTemplate(spec, image);
        var restartPolicy = ReadRestartPolicy(template);
        var annotations = ReadAnnotations(metadata);
        if (annotations.Transport == Transport.Exec) ExecLauncher.Check(template, "spec.template", MetacontrollerProfile.Base(name), _read);
        if (_read.Errors is { IsEmpty: false } errors) return new ParseResult.Rejected(errors);

        return new ParseResult.Run(new MpiRun
        {
            Dialect = MetacontrollerDialect.MpiJob.ApiVersion,
            Meta = ObjectMeta.Read(metadata),
            Workers = new WorkerGroup(replicas, slots, MetacontrollerTemplates.Worker(template, image, daemon ? MetacontrollerProfile.WorkerSet(name) : null), "Always")
            {
                Form = WorkerForm.StatefulSet,
                LeaveOutAfter = daemon ? annotations.Grace : null,
            },
            Launcher = new Launcher(MetacontrollerTemplates.Launcher(template, image, annotations.LauncherResources), restartPolicy, RunsRanks: false, LauncherCreation.WaitForWorkersRunning),
            Mpi = MpiImplementation.OpenMpi,
            Transport = annotations.TransportAsked
                ? new TransportChoice(annotations.Transport, $"annotation {KubeMpiAnnotations.Transport}")
                : new TransportChoice(Transport.Agent, $"the default of {MetacontrollerDialect.MpiJob.ApiVersion}"),
            Gated = annotations.Gated,
            Retry = new RetryPolicy(BackoffLimit, null, annotations.OnWorkerLoss),
            Cleanup = annotations.Cleanup,
            JobTtlSecondsAfterFinished = annotations.JobTtl,
            GangScheduler = annotations.GangScheduler,
            Warnings = [.. _warnings],
            // Metacontroller's children were never updated, and a run's workers and launcher are not either.
            FrozenSpec = JsonText.DigestOf(spec),
        });
    }

    private void CheckName(string name)
    {
        var set = MetacontrollerProfile.WorkerSet(name);
        if (name.Length > MetacontrollerProfile.LongestName)
        {
            _read.Add(FieldError.Invalid("metadata.name", $"\"{name}\"", $"must have at most {MetacontrollerProfile.LongestName} characters: the StatefulSet {set} and the labels of its pods are called by it", "Use a shorter name."));
        }
        else if (name.Length == 0 || Names.CheckDns1035Label(set) is { IsEmpty: false })
        {
            _read.Add(FieldError.Invalid("metadata.name", $"\"{name}\"", $"\"{set}\" must be a DNS label: pods and Services are called by it", name.Length == 0 ? "Give the job a name." : "Use lower-case letters, digits and '-'."));
        }
    }

    private int Count(JsonElement spec, string field, string what)
    {
        var path = $"spec.{field}";
        var value = spec.At(field);
        if (FieldReader.IsAbsent(value)) return 1;
        if (value.ValueKind == JsonValueKind.String && Expanded(value.GetString(), path) is null) return 1;
        var count = _read.Int32(spec, field, path);
        if (count < 1) _read.Add(FieldError.Invalid(path, count.Value.ToString(CultureInfo.InvariantCulture), "must be greater than or equal to 1", $"Write the {what}, or leave it out for 1."));
        return Math.Max(1, count ?? 1);
    }

    /// <summary>A line a worker in each of two lists: the ConfigMap's size bounds the number of workers.</summary>
    private void CheckSize(string name, int replicas)
    {
        const int configMapLimit = 1_048_576;
        var host = MetacontrollerProfile.WorkerSet(name).Length + 1 + (replicas - 1).ToString(CultureInfo.InvariantCulture).Length;
        var bytes = 2L * replicas * (host + " slots=100\n".Length);
        if (bytes > configMapLimit) _read.Add(FieldError.Invalid("spec.replicas", replicas.ToString(CultureInfo.InvariantCulture), $"the lists of hosts would take {bytes} bytes and a ConfigMap holds {configMapLimit}", "Use fewer workers with more slots each, or a shorter name."));
    }

    /// <summary>The text, or null with a fault when it holds a variable that <c>envsubst</c> was to replace: manifests of this kind are written with some.</summary>
    private string? Expanded(string? text, string path)
    {
        if (text is null || Variable().Match(text) is not { Success: true } found) return text;
        var name = found.Groups["name"].Value;
        _read.Add(FieldError.Invalid(path, $"\"{text}\"", $"holds the variable {found.Value}, which was not replaced", $"Write the value, or apply the file with: {name}=... envsubst < FILE | kubectl apply -f -"));
        return null;
    }

    /// <summary><c>daemon</c> is what the program read, <c>daemons</c> what its page said.</summary>
    private bool ReadDaemon(JsonElement spec)
    {
        var (daemon, daemons) = (_read.Flag(spec, "daemon", "spec.daemon"), _read.Flag(spec, "daemons", "spec.daemons"));
        if (daemon is { } one && daemons is { } other && one != other)
        {
            _read.Add(FieldError.Invalid("spec.daemons", other ? "true" : "false", $"must not differ from spec.daemon, which is {(one ? "true" : "false")}", "Keep daemon alone."));
        }
        else if (daemon is null && daemons is not null)
        {
            _warnings.Add(new ManifestWarning("spec.daemons", "is read as spec.daemon, which is the field's name"));
        }

        return daemon ?? daemons ?? false;
    }

    private JsonElement ReadTemplate(JsonElement spec, string? image)
    {
        const string path = "spec.template";
        if (FieldReader.IsAbsent(spec.At("template")))
        {
            _read.Add(FieldError.Required(path, "must have a pod template: launcher and workers are made from it", "Write template with a container that runs mpiexec."));
            return default;
        }

        var template = _read.Object(spec, "template", path, "Write a pod template under template.");
        var containers = _read.Object(template, "spec", $"{path}.spec", "Write the pod's fields under template.spec.").At("containers");
        if (FieldReader.IsAbsent(containers) || (containers.ValueKind == JsonValueKind.Array && containers.GetArrayLength() == 0))
        {
            _read.Add(FieldError.Required($"{path}.spec.containers", "must define at least one container", "Add a container that runs mpiexec."));
        }
        else if (containers.ValueKind != JsonValueKind.Array)
        {
            _read.Fault(containers, $"{path}.spec.containers", "must be a list", "Write each container as a list item, with '- ' before its name.");
        }
        else if (containers.EnumerateArray().First() is { ValueKind: JsonValueKind.Object } first)
        {
            var at = $"{path}.spec.containers[0].image";
            if (first.Text("image") is { Length: > 0 } own) Expanded(own, at);
            else if (image is null && (FieldReader.IsAbsent(first.At("image")) || first.At("image").ValueKind == JsonValueKind.String))
            {
                _read.Add(FieldError.Required(at, "must name an image, here or in spec.image", "Write the image that has Open MPI and the program."));
            }
        }

        // The first container has a name by default; both roles are read as they will be.
        var affinity = template.At("spec", "affinity");
        _read.Object(template.At("spec"), "affinity", $"{path}.spec.affinity", "Write affinity as an object.");
        var apart = _read.Object(affinity, "podAntiAffinity", $"{path}.spec.affinity.podAntiAffinity", "Write podAntiAffinity as an object.").At("requiredDuringSchedulingIgnoredDuringExecution");
        if (!FieldReader.IsAbsent(apart) && apart.ValueKind != JsonValueKind.Array) _read.Fault(apart, $"{path}.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution", "must be a list", "Write its terms as list items.");
        var readable = containers.ValueKind == JsonValueKind.Array && containers.GetArrayLength() > 0 && containers[0].ValueKind == JsonValueKind.Object;
        PodTemplateReader.Check(readable ? MetacontrollerTemplates.Launcher(template, image, withResources: true) : template, path, _read);
        CheckVolumes(template, path);
        return template;
    }

    private void CheckVolumes(JsonElement template, string path)
    {
        var index = 0;
        foreach (var volume in template.Items("spec", "volumes"))
        {
            var name = volume.Text("name") ?? "";
            if (MetacontrollerWiring.Volumes.Contains(name)) _read.Add(FieldError.Invalid($"{path}.spec.volumes[{index}].name", $"\"{name}\"", "must be another: the operator adds a volume of this name", "Give the volume, and its mounts, another name."));
            index++;
        }
    }

    private string ReadRestartPolicy(JsonElement template)
    {
        switch (_read.Text(template.At("spec"), "restartPolicy", "spec.template.spec.restartPolicy"))
        {
            case null or "" or "Never":
                return "Never";
            case "OnFailure":
                return "OnFailure";
            case "Always":
                _warnings.Add(new ManifestWarning("spec.template.spec.restartPolicy", "Always is read as Never: a launcher has an end"));
                return "Never";
            case var other:
                _read.Add(FieldError.NotSupported("spec.template.spec.restartPolicy", other, ["Always", "Never", "OnFailure"], "Write Never or OnFailure; it is the launcher's, workers always restart."));
                return "Never";
        }
    }

    private (bool TransportAsked, Transport Transport, bool Gated, WorkerLossPolicy OnWorkerLoss, string? GangScheduler, int? JobTtl, CleanPodPolicy Cleanup, TimeSpan Grace, bool LauncherResources) ReadAnnotations(JsonElement metadata)
    {
        var annotations = new AnnotationReader(metadata.At("annotations"), _read);
        var transport = annotations.Choice(KubeMpiAnnotations.Transport, ["agent", "exec"]);
        return (
            transport is not null,
            transport == "exec" ? Transport.Exec : Transport.Agent,
            annotations.Choice(KubeMpiAnnotations.Gate, ["true", "false"]) != "false",
            annotations.Choice(KubeMpiAnnotations.OnWorkerLoss, ["restart", "replace"]) == "replace" ? WorkerLossPolicy.ReplaceWorker : WorkerLossPolicy.RestartGang,
            annotations.Text(KubeMpiAnnotations.GangScheduler),
            annotations.Seconds(KubeMpiAnnotations.JobTtl),
            // Its workers always stayed.
            annotations.Choice(KubeMpiAnnotations.CleanPodPolicy, ["None", "Running", "All"]) switch { "All" => CleanPodPolicy.All, "Running" => CleanPodPolicy.Running, _ => CleanPodPolicy.None },
            annotations.Seconds(KubeMpiAnnotations.LeaveOutAfter) is { } seconds ? TimeSpan.FromSeconds(seconds) : DefaultGrace,
            annotations.Choice(KubeMpiAnnotations.LauncherResources, ["true", "false"]) != "false");
    }

    /// <summary>As envsubst knows them.</summary>
    [GeneratedRegex(@"\$(\{(?<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?<name>[A-Za-z_][A-Za-z0-9_]*))", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Variable();
}
