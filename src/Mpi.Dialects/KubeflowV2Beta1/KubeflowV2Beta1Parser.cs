using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// Reads one MPIJob: kubeflow's defaults (spec 1.2), then every fault in kubeflow's order and words (1.3), ours after
/// theirs at the same place. One instance reads one manifest.
/// </summary>
internal sealed class KubeflowV2Beta1Parser(JsonElement manifest)
{
    public const string OwnManager = "kubeflow.org/mpi-operator";
    private const string MultiKueue = "kueue.x-k8s.io/multikueue";

    /// <summary>Bytes that the API server lets a ConfigMap hold: it bounds how many workers a job can list.</summary>
    private const int ConfigMapLimit = 1_048_576;

    private const string Asked = $"annotation {KubeMpiAnnotations.Transport}";

    private readonly FieldReader _read = new();

    public ParseResult Parse()
    {
        if (!JsonText.IsSound(manifest)) return Rejected(FieldError.Invalid("", "", "the manifest holds text that is not valid Unicode", "Save it as UTF-8."));
        var spec = _read.Object(manifest, "spec", "spec", "Write the job's fields under spec.");
        var runPolicy = spec.At("runPolicy");
        // Before any validation: a job of another controller is not ours to judge (spec 1.4).
        if (runPolicy.Text("managedBy") == MultiKueue) return new ParseResult.ManagedElsewhere(MultiKueue);

        var metadata = _read.Object(manifest, "metadata", "metadata", "Write the job's name under metadata.");
        var name = _read.Text(metadata, "name", "metadata.name") ?? "";
        var specs = spec.At("mpiReplicaSpecs");
        var workerSpec = specs.At("Worker");
        CheckName(name, workerSpec);

        var (launcher, workers) = ReadReplicaSpecs(spec, name, metadata.Text("namespace") ?? "");
        var slots = NotNegative(_read.Int32(spec, "slotsPerWorker", "spec.slotsPerWorker"), "spec.slotsPerWorker") ?? 1;
        var runsRanks = _read.Flag(spec, "runLauncherAsWorker", "spec.runLauncherAsWorker") ?? false;
        var creation = _read.Text(spec, "launcherCreationPolicy", "spec.launcherCreationPolicy");
        var (cleanup, ttl, retry, suspend, gang) = ReadRunPolicy(spec);
        var mountPath = NotEmpty(_read.Text(spec, "sshAuthMountPath", "spec.sshAuthMountPath")) ?? "/root/.ssh";
        var mpi = ReadImplementation(spec);
        var annotations = ReadAnnotations(metadata);
        if (annotations.Transport == "agent") AgentWorker.Check(specs.At("Worker", "template"), "spec.mpiReplicaSpecs[Worker].template", _read);
        if (annotations.Transport == "exec") ExecLauncher.Check(specs.At("Launcher", "template"), "spec.mpiReplicaSpecs[Launcher].template", name, _read);
        if (_read.Errors is { IsEmpty: false } errors) return new ParseResult.Rejected(errors);

        return new ParseResult.Run(new MpiRun
        {
            Dialect = KubeflowV2Beta1Dialect.MpiJob.ApiVersion,
            Meta = ObjectMeta.Read(metadata),
            Workers = workers with { Slots = slots },
            // Every value but AtStartup waits, also a misspelt one: nothing ever refused it (spec 1.1).
            Launcher = launcher with { RunsRanks = runsRanks, Creation = creation is null or "" or "AtStartup" ? LauncherCreation.AtStartup : LauncherCreation.WaitForWorkersReady },
            Mpi = mpi,
            Transport = annotations.Transport switch
            {
                null => new TransportChoice(Transport.Ssh, "the default of kubeflow.org/v2beta1"),
                "agent" => new TransportChoice(Transport.Agent, Asked),
                "exec" => new TransportChoice(Transport.Exec, Asked),
                _ => new TransportChoice(Transport.Ssh, Asked),
            },
            SshAuthMountPath = mountPath,
            Gated = annotations.Gated,
            Retry = retry with { OnWorkerLoss = annotations.OnWorkerLoss ?? (DiscoversHosts(launcher.Template) ? WorkerLossPolicy.ReplaceWorker : WorkerLossPolicy.RestartGang) },
            Cleanup = cleanup,
            Suspended = suspend,
            TtlSecondsAfterFinished = ttl,
            Gang = gang,
            GangScheduler = annotations.GangScheduler,
            JobTtlSecondsAfterFinished = annotations.JobTtl,
        });
    }

    /// <summary>The last worker's name must be a label of DNS: pods and the Service are called by it.</summary>
    private void CheckName(string name, JsonElement workerSpec)
    {
        var last = workerSpec.Integer("replicas") is { } replicas and > 0 and <= int.MaxValue ? replicas - 1 : 0;
        var label = $"{name}-worker-{last}";
        if (Names.CheckDns1035Label(label) is not { IsEmpty: false } faults) return;
        _read.Add(FieldError.Invalid(
            "metadata.name",
            $"\"{name}\"",
            $"will not able to create pod and service with invalid DNS label \"{label}\": {string.Join(", ", faults)}",
            name.Length == 0 ? "Give the job a name." : $"Use lower-case letters, digits and '-', a letter first, at most {63 - (label.Length - name.Length)} characters."));
    }

    private (Launcher Launcher, WorkerGroup Workers) ReadReplicaSpecs(JsonElement spec, string name, string ns)
    {
        const string path = "spec.mpiReplicaSpecs";
        var launcher = new Launcher(default, "OnFailure", false, LauncherCreation.AtStartup);
        var workers = new WorkerGroup(0, 1, default, "Never");
        if (FieldReader.IsAbsent(spec.At("mpiReplicaSpecs")))
        {
            _read.Add(FieldError.Required(path, "must have replica specs", "Add mpiReplicaSpecs with a Launcher and a Worker."));
            return (launcher, workers);
        }

        var specs = _read.Object(spec, "mpiReplicaSpecs", path, "Write Launcher and Worker under mpiReplicaSpecs.");
        if (specs.ValueKind != JsonValueKind.Object) return (launcher, workers);
        if (FieldReader.IsAbsent(specs.At("Launcher")))
        {
            _read.Add(FieldError.Required($"{path}[Launcher]", "must have Launcher replica spec", "Add a Launcher: it runs mpirun."));
        }
        else if (_read.Object(specs, "Launcher", $"{path}[Launcher]", "Write replicas and template under Launcher.") is { ValueKind: JsonValueKind.Object } launcherSpec)
        {
            var (replicas, restartPolicy, template) = ReadReplicaSpec(launcherSpec, $"{path}[Launcher]", "OnFailure", 1);
            if (replicas is { } count and not 1) _read.Add(FieldError.Invalid($"{path}[Launcher].replicas", Print(count), "must be 1", "Write replicas: 1, or leave it out."));
            launcher = launcher with { Template = template, RestartPolicy = restartPolicy };
        }

        if (_read.Object(specs, "Worker", $"{path}[Worker]", "Write replicas and template under Worker.") is { ValueKind: JsonValueKind.Object } workerSpec)
        {
            var (replicas, restartPolicy, template) = ReadReplicaSpec(workerSpec, $"{path}[Worker]", "Never", 0);
            CheckWorkerCount(replicas, name, ns, $"{path}[Worker].replicas");
            workers = workers with { Count = replicas ?? 0, Template = template, RestartPolicy = restartPolicy };
        }

        return (launcher, workers);
    }

    private (int? Replicas, string RestartPolicy, JsonElement Template) ReadReplicaSpec(JsonElement spec, string path, string defaultPolicy, int defaultReplicas)
    {
        var replicas = FieldReader.IsAbsent(spec.At("replicas")) ? defaultReplicas : _read.Int32(spec, "replicas", $"{path}.replicas");
        var policy = NotEmpty(_read.Text(spec, "restartPolicy", $"{path}.restartPolicy")) ?? defaultPolicy;
        if (policy is not ("Never" or "OnFailure"))
        {
            _read.Add(FieldError.NotSupported($"{path}.restartPolicy", policy, ["Never", "OnFailure"], $"Write {defaultPolicy}, or leave it out."));
        }

        var template = _read.Object(spec, "template", $"{path}.template", "Write a pod template under template.");
        var podSpec = _read.Object(template, "spec", $"{path}.template.spec", "Write the pod's fields under template.spec.");
        var containers = podSpec.At("containers");
        if (FieldReader.IsAbsent(containers) || (containers.ValueKind == JsonValueKind.Array && containers.GetArrayLength() == 0))
        {
            _read.Add(FieldError.Required($"{path}.template.spec.containers", "must define at least one container", "Add a container with name and image."));
        }
        else if (containers.ValueKind != JsonValueKind.Array)
        {
            _read.Fault(containers, $"{path}.template.spec.containers", "must be a list", "Write each container as a list item, with '- ' before its name.");
        }

        PodTemplateReader.Check(template, $"{path}.template", _read);
        return (replicas, policy, template);
    }

    private void CheckWorkerCount(int? replicas, string name, string ns, string path)
    {
        if (replicas is not { } count) return;
        if (count <= 0)
        {
            _read.Add(FieldError.Invalid(path, Print(count), "must be greater than or equal to 1", "Write the number of workers, or leave Worker out altogether."));
            return;
        }

        // Two lines a worker in the ConfigMap: "<host> slots=1\n" and "echo <host>\n".
        var host = name.Length + "-worker-".Length + Print(count - 1).Length + 1 + name.Length + 1 + ns.Length + ".svc".Length;
        var bytes = (long)count * ((2L * host) + " slots=1\n".Length + "echo \n".Length);
        if (bytes <= ConfigMapLimit) return;
        _read.Add(FieldError.Invalid(
            path, Print(count), $"the list of hosts would take {bytes} bytes and a ConfigMap holds {ConfigMapLimit}", "Use fewer workers with more slots each, or a shorter name."));
    }

    private (CleanPodPolicy Cleanup, int? Ttl, RetryPolicy Retry, bool Suspend, GangPolicy? Gang) ReadRunPolicy(JsonElement spec)
    {
        const string path = "spec.runPolicy";
        var policy = _read.Object(spec, "runPolicy", path, "Write the run's limits under runPolicy.");
        var cleanup = _read.Text(policy, "cleanPodPolicy", $"{path}.cleanPodPolicy");
        if (cleanup is not (null or "None" or "Running" or "All"))
        {
            _read.Add(FieldError.NotSupported($"{path}.cleanPodPolicy", cleanup, ["All", "None", "Running"], "Write All, None or Running."));
        }

        var ttl = NotNegative(_read.Int32(policy, "ttlSecondsAfterFinished", $"{path}.ttlSecondsAfterFinished"), $"{path}.ttlSecondsAfterFinished");
        var deadline = NotNegative(_read.Int64(policy, "activeDeadlineSeconds", $"{path}.activeDeadlineSeconds"), $"{path}.activeDeadlineSeconds");
        var backoff = NotNegative(_read.Int32(policy, "backoffLimit", $"{path}.backoffLimit"), $"{path}.backoffLimit");
        // The old operator silently skips a job with any other manager; a misspelt one deserves an answer.
        if (_read.Text(policy, "managedBy", $"{path}.managedBy") is { } manager and not OwnManager)
        {
            _read.Add(FieldError.NotSupported($"{path}.managedBy", manager, [OwnManager, MultiKueue], "Leave managedBy out."));
        }

        var suspend = _read.Flag(policy, "suspend", $"{path}.suspend") ?? false;
        var gang = ReadSchedulingPolicy(policy, $"{path}.schedulingPolicy");
        return (
            cleanup switch { "All" => CleanPodPolicy.All, "Running" => CleanPodPolicy.Running, _ => CleanPodPolicy.None },
            ttl, new RetryPolicy(backoff, deadline), suspend, gang);
    }

    private GangPolicy? ReadSchedulingPolicy(JsonElement policy, string path)
    {
        var scheduling = _read.Object(policy, "schedulingPolicy", path, "Write minAvailable, queue and the like under schedulingPolicy.");
        if (scheduling.ValueKind != JsonValueKind.Object) return null;
        return new GangPolicy(
            _read.Int32(scheduling, "minAvailable", $"{path}.minAvailable"),
            NotEmpty(_read.Text(scheduling, "queue", $"{path}.queue")),
            _read.Object(scheduling, "minResources", $"{path}.minResources", "Write minResources as resource: quantity lines."),
            NotEmpty(_read.Text(scheduling, "priorityClass", $"{path}.priorityClass")),
            _read.Int32(scheduling, "scheduleTimeoutSeconds", $"{path}.scheduleTimeoutSeconds"));
    }

    private MpiImplementation ReadImplementation(JsonElement spec)
    {
        var implementation = NotEmpty(_read.Text(spec, "mpiImplementation", "spec.mpiImplementation")) ?? "OpenMPI";
        if (implementation is not ("OpenMPI" or "Intel" or "MPICH"))
        {
            _read.Add(FieldError.NotSupported("spec.mpiImplementation", implementation, ["Intel", "MPICH", "OpenMPI"], "Write OpenMPI, Intel or MPICH, in these letters."));
        }

        return implementation switch { "Intel" => MpiImplementation.Intel, "MPICH" => MpiImplementation.Mpich, _ => MpiImplementation.OpenMpi };
    }

    private (bool Gated, WorkerLossPolicy? OnWorkerLoss, string? GangScheduler, int? JobTtl, string? Transport) ReadAnnotations(JsonElement metadata)
    {
        var annotations = new AnnotationReader(metadata.At("annotations"), _read);
        var gated = annotations.Choice(KubeMpiAnnotations.Gate, ["true", "false"]) != "false";
        var onLoss = annotations.Choice(KubeMpiAnnotations.OnWorkerLoss, ["restart", "replace"]);
        var transport = annotations.Choice(KubeMpiAnnotations.Transport, ["ssh", "agent", "exec"]);
        var gang = annotations.Text(KubeMpiAnnotations.GangScheduler);
        return (gated, onLoss switch { "restart" => WorkerLossPolicy.RestartGang, "replace" => WorkerLossPolicy.ReplaceWorker, _ => null }, gang, annotations.Seconds(KubeMpiAnnotations.JobTtl), transport);
    }

    /// <summary>
    /// Elastic Horovod asks the discovery script for its hosts and survives the loss of a worker: stopping its launcher for one
    /// would take away what its users came for.
    /// </summary>
    private static bool DiscoversHosts(JsonElement template)
    {
        var container = template.Items("spec", "containers").FirstOrDefault();
        return container.Items("command").Concat(container.Items("args")).Any(static word =>
            word.ValueKind == JsonValueKind.String
            && word.GetString()! is var text
            && (text.Contains("--host-discovery-script", StringComparison.Ordinal) || text.Contains("discover_hosts.sh", StringComparison.Ordinal)));
    }

    private int? NotNegative(int? value, string path) => (int?)NotNegative((long?)value, path);

    private long? NotNegative(long? value, string path)
    {
        if (value < 0) _read.Add(FieldError.Invalid(path, Print(value.Value), "must be greater than or equal to 0", "Write 0 or more."));
        return value;
    }

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static string Print(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static ParseResult Rejected(FieldError error) => new ParseResult.Rejected([error]);
}
