using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>What the advice looks at: one MPIJob as written, read leniently, so that a fault elsewhere keeps no rule from speaking.</summary>
internal sealed class JobShape(JsonElement manifest)
{
    public const string RootKeys = "/root/.ssh";

    public RoleShape Launcher { get; } = new(manifest, "Launcher");
    public RoleShape Worker { get; } = new(manifest, "Worker");

    public MpiImplementation Mpi { get; } = manifest.Text("spec", "mpiImplementation") switch
    {
        "Intel" => MpiImplementation.Intel,
        "MPICH" => MpiImplementation.Mpich,
        _ => MpiImplementation.OpenMpi,
    };

    /// <summary>Whether the launcher reaches its workers by ssh, so that what sshd and its keys ask for matters.</summary>
    public bool UsesSsh { get; } = manifest.Text("metadata", "annotations", KubeMpiAnnotations.Transport) is { } asked ? asked == "ssh" : !IsOfOldVersion(manifest);

    /// <summary>Whether it was written in a version whose launchers called kubexec.sh.</summary>
    public bool HasKubexec { get; } = IsOfOldVersion(manifest);

    /// <summary>As written; null when left out.</summary>
    public string? KeyPath { get; } = manifest.Text("spec", "sshAuthMountPath") is { Length: > 0 } path ? path.TrimEnd('/') : null;

    public bool KeysAreRoots => KeyPath is null or RootKeys;

    public bool LauncherRunsRanks { get; } = manifest.Flag("spec", "runLauncherAsWorker") == true;

    public long SlotsPerHost { get; } = manifest.Integer("spec", "slotsPerWorker") ?? 1;

    /// <summary>Null when the number of workers is no number.</summary>
    public long? Workers => Worker.Exists ? Worker.Replicas : 0;

    private static bool IsOfOldVersion(JsonElement manifest) => KubeflowVersions.All.Any(v => v.Version == manifest.Text("metadata", "annotations", KubeMpiAnnotations.Origin));

    public IEnumerable<RoleShape> Roles => new[] { Launcher, Worker }.Where(static r => r.Exists);
}

/// <summary>One role's replica spec, and of its containers the first, which alone gets keys, environment and hostfile.</summary>
internal sealed class RoleShape
{
    private readonly JsonElement _spec;

    public RoleShape(JsonElement manifest, string name)
    {
        _spec = manifest.At("spec", "mpiReplicaSpecs", name);
        Name = name;
        Path = $"spec.mpiReplicaSpecs[{name}]";
        Containers = [.. _spec.Items("template", "spec", "containers").Select((element, index) => new ContainerShape(element, string.Create(CultureInfo.InvariantCulture, $"{Path}.template.spec.containers[{index}]")))];
    }

    public string Name { get; }
    public string Path { get; }
    public bool Exists => _spec.ValueKind == JsonValueKind.Object;
    public long? Replicas => _spec.Integer("replicas");
    public JsonElement PodSpec => _spec.At("template", "spec");
    public string PodPath => $"{Path}.template.spec";
    public ImmutableArray<ContainerShape> Containers { get; }
    public ContainerShape? Main => Containers.IsEmpty ? null : Containers[0];

    /// <summary>Who the first container runs as; null leaves it to the image.</summary>
    public long? User => Main?.Element.Integer("securityContext", "runAsUser") ?? PodSpec.Integer("securityContext", "runAsUser");

    public bool MustNotBeRoot =>
        Main?.Element.Flag("securityContext", "runAsNonRoot") ?? PodSpec.Flag("securityContext", "runAsNonRoot") ?? false;

    public string UserPath =>
        Main is { } main && main.Element.Has("securityContext", "runAsUser") ? $"{main.Path}.securityContext.runAsUser"
        : PodSpec.Has("securityContext", "runAsUser") ? $"{PodPath}.securityContext.runAsUser"
        : Main?.Path ?? PodPath;
}

/// <summary>One container as written.</summary>
internal sealed class ContainerShape(JsonElement element, string path)
{
    public JsonElement Element { get; } = element;
    public string Path { get; } = path;
    public string Name { get; } = element.Text("name") ?? "";
    public string Image { get; } = element.Text("image") ?? "";
    public ImmutableArray<Word> Command { get; } = Read(element, path, "command");
    public ImmutableArray<Word> Args { get; } = Read(element, path, "args");
    public ImmutableArray<Word> Words => [.. Command, .. Args];

    public bool Mentions(string text) => Words.Any(w => w.Text.Contains(text, StringComparison.Ordinal));

    private static ImmutableArray<Word> Read(JsonElement element, string path, string field) =>
        [.. element.Items(field).Select((item, index) => new Word(item.ValueKind == JsonValueKind.String ? item.GetString()! : item.GetRawText(), string.Create(CultureInfo.InvariantCulture, $"{path}.{field}[{index}]")))];
}

/// <summary>One word of a command line and where it stands.</summary>
internal sealed record Word(string Text, string Path)
{
    /// <summary>The word without folders, as programs are called.</summary>
    public string Program => Text[(Text.LastIndexOf('/') + 1)..];
}
