using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>What the node reads in a pod's spec; once for each version of the pod.</summary>
internal sealed class PodSpecView
{
    public const int DefaultGraceSeconds = 30;

    /// <param name="hasAccess">Gives the pod its way to the API server (<see cref="ServiceAccountAccess"/>).</param>
    public PodSpecView(KubeObject pod, Func<PodSpecView, bool>? hasAccess = null)
    {
        Object = pod;
        Containers =
        [
            .. Spec.Items("initContainers").Select(static (c, i) => new ContainerView(c, i, IsInit: true)),
            .. Spec.Items("containers").Select(static (c, i) => new ContainerView(c, i, IsInit: false)),
        ];
        HasAccess = hasAccess?.Invoke(this) ?? false;
        Volumes = ServiceAccountAccess.Volumes(Spec, HasAccess);
    }

    public KubeObject Object { get; }
    public ObjectMeta Meta => Object.Meta;
    public JsonElement Spec => Object.Root.At("spec");
    public JsonElement Status => Object.Root.At("status");

    /// <summary>Init containers first, each kind in its order.</summary>
    public ImmutableArray<ContainerView> Containers { get; }

    /// <summary>The pod's volumes, with what this node adds.</summary>
    public ImmutableArray<JsonElement> Volumes { get; }

    /// <summary>Whether the containers find a token and the API server's authority at the usual place.</summary>
    public bool HasAccess { get; }

    public string RestartPolicy => Spec.Text("restartPolicy") ?? "Always";
    public bool HostNetwork => Spec.Flag("hostNetwork") ?? false;
    public TimeSpan? ActiveDeadline => Spec.Integer("activeDeadlineSeconds") is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>The grace that a deletion granted, else the pod's own.</summary>
    public TimeSpan Grace => TimeSpan.FromSeconds(Object.Root.Integer("metadata", "deletionGracePeriodSeconds") ?? Spec.Integer("terminationGracePeriodSeconds") ?? DefaultGraceSeconds);

    /// <summary>The host name is the pod's name unless set, and never longer than the kernel takes; the kubelet cuts in the same way.</summary>
    public string Hostname
    {
        get
        {
            var name = Spec.Text("hostname") is { Length: > 0 } set ? set : Meta.Name;
            return name.Length <= 63 ? name : name[..63].TrimEnd('-', '.');
        }
    }

    /// <summary>What the kernel calls the pod: its full name if it asks for that and it fits.</summary>
    public string KernelHostname(string clusterDomain) =>
        Spec.Flag("setHostnameAsFQDN") == true && Subdomain.Length > 0 && $"{Hostname}.{Subdomain}.{Meta.Namespace}.svc.{clusterDomain}" is { Length: <= 64 } full ? full : Hostname;

    public string Subdomain => Spec.Text("subdomain") ?? "";
    public uint? FsGroup => (uint?)Spec.Integer("securityContext", "fsGroup");
}

/// <param name="Spec">The container as in the manifest.</param>
/// <param name="Index">Its place in its list.</param>
internal sealed record ContainerView(JsonElement Spec, int Index, bool IsInit)
{
    public string Name { get; } = Spec.Text("name") ?? "";
    public string Image { get; } = Spec.Text("image") ?? "";

    /// <summary>An init container that stays: started in order, then left running beside the others.</summary>
    public bool IsSidecar { get; } = IsInit && Spec.Text("restartPolicy") == "Always";

    public string FieldPath => $"spec.{(IsInit ? "initContainers" : "containers")}{{{Name}}}";

    /// <summary>The container's own rule for restarts, which goes before the pod's (KEP-5307); null without one.</summary>
    public string? RestartPolicy { get; } = Spec.Text("restartPolicy");

    /// <summary>What its exit code alone decides about a restart (<c>restartPolicyRules</c>): the first rule that fits.</summary>
    public bool RestartsAfter(int exitCode) =>
        Spec.Items("restartPolicyRules").Any(rule => rule.Text("action") == "Restart"
            && rule.Items("exitCodes", "values").Any(v => v.ValueKind == JsonValueKind.Number && v.GetInt64() == exitCode) == (rule.Text("exitCodes", "operator") == "In"));

    public JsonElement? PostStart { get; } = Hook(Spec, "postStart");
    public JsonElement? PreStop { get; } = Hook(Spec, "preStop");

    public ProbeSpec? Startup { get; } = ProbeSpec.Read(Spec.At("startupProbe"));
    public ProbeSpec? Liveness { get; } = ProbeSpec.Read(Spec.At("livenessProbe"));
    public ProbeSpec? Readiness { get; } = ProbeSpec.Read(Spec.At("readinessProbe"));

    public ProbeSpec? Probe(ProbeKind kind) => kind switch { ProbeKind.Startup => Startup, ProbeKind.Liveness => Liveness, _ => Readiness };

    private static JsonElement? Hook(JsonElement spec, string name) => spec.At("lifecycle", name) is { ValueKind: JsonValueKind.Object } hook ? hook : null;
}

internal enum ProbeKind { Startup, Liveness, Readiness }

/// <summary>A probe's settings with Kubernetes' defaults (<c>core/v1 Probe</c>).</summary>
internal sealed record ProbeSpec(JsonElement Action, TimeSpan InitialDelay, TimeSpan Period, TimeSpan Timeout, int SuccessThreshold, int FailureThreshold)
{
    public static ProbeSpec? Read(JsonElement probe) => probe.ValueKind != JsonValueKind.Object ? null : new(
        probe,
        TimeSpan.FromSeconds(probe.Integer("initialDelaySeconds") ?? 0),
        TimeSpan.FromSeconds(Positive(probe, "periodSeconds", 10)),
        TimeSpan.FromSeconds(Positive(probe, "timeoutSeconds", 1)),
        (int)Positive(probe, "successThreshold", 1),
        (int)Positive(probe, "failureThreshold", 3));

    /// <summary>The grace that a container gets when this probe has it killed; null for the pod's own.</summary>
    public TimeSpan? Grace => Action.Integer("terminationGracePeriodSeconds") is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    private static long Positive(JsonElement probe, string member, long otherwise) => probe.Integer(member) is > 0 and var value ? value : otherwise;
}
