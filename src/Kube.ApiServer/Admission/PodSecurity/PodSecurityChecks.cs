using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What a pod does that a standard forbids.</summary>
/// <param name="Reason">The rule in a few words.</param>
/// <param name="Detail">Who breaks it how.</param>
internal readonly record struct PodSecurityViolation(string Reason, string Detail)
{
    public override string ToString() => $"{Reason} ({Detail})";
}

/// <summary>
/// The rules of the Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/), each with the version of Kubernetes
/// that it came with. Lists of what is allowed are those of the newest version.
/// </summary>
internal static class PodSecurityChecks
{
    private const string Context = "securityContext";

    private static readonly FrozenSet<string> UsualCapabilities = new[]
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> SafeSysctls = new[]
    {
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> UsualSELinuxTypes = new[] { "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t" }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> PortableVolumes = new[] { "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret" }.ToFrozenSet(StringComparer.Ordinal);

    /// <param name="Since">The minor version whose standards were the first to have it.</param>
    /// <param name="Superseded">The first minor version whose level <c>restricted</c> has a stricter one in its place.</param>
    /// <param name="OwnUsers">The first minor version that spares pods with a user namespace of their own, whose users are nobody outside it (KEP-127).</param>
    private sealed record Check(PodSecurityLevel Level, int Since, Func<JsonObject, PodSecurityViolation?> Find, int? Superseded = null, int? OwnUsers = null);

    // In the order in which kube-apiserver tells what it found.
    private static readonly ImmutableArray<Check> All =
    [
        new(PodSecurityLevel.Baseline, 0, AppArmorProfile),
        new(PodSecurityLevel.Baseline, 0, AddedCapabilities, Superseded: 22),
        new(PodSecurityLevel.Baseline, 0, HostNamespaces),
        new(PodSecurityLevel.Baseline, 0, HostPathVolumes, Superseded: 0),
        new(PodSecurityLevel.Baseline, 0, HostPorts),
        new(PodSecurityLevel.Baseline, 34, HostsOfProbes),
        new(PodSecurityLevel.Baseline, 0, Privileged),
        new(PodSecurityLevel.Baseline, 0, ProcMount, Superseded: 35, OwnUsers: 35),
        new(PodSecurityLevel.Baseline, 0, SELinuxOptions),
        new(PodSecurityLevel.Baseline, 19, pod => SeccompProfile(pod, required: false), Superseded: 19),
        new(PodSecurityLevel.Baseline, 0, Sysctls),
        new(PodSecurityLevel.Baseline, 0, WindowsHostProcess),
        new(PodSecurityLevel.Restricted, 8, AllowPrivilegeEscalation),
        new(PodSecurityLevel.Restricted, 22, DroppedCapabilities),
        new(PodSecurityLevel.Restricted, 35, ProcMount),
        new(PodSecurityLevel.Restricted, 0, VolumeTypes),
        new(PodSecurityLevel.Restricted, 0, RunAsNonRoot, OwnUsers: 35),
        new(PodSecurityLevel.Restricted, 23, RunAsUser, OwnUsers: 35),
        new(PodSecurityLevel.Restricted, 19, pod => SeccompProfile(pod, required: true)),
    ];

    /// <summary>What a pod, or a pod's template, does against a standard.</summary>
    public static IReadOnlyList<PodSecurityViolation> Find(JsonObject pod, PodSecurityStandard standard)
    {
        if (standard.Level == PodSecurityLevel.Privileged) return [];
        var minor = standard.Minor ?? int.MaxValue;
        var ownUsers = pod.Flag("spec", "hostUsers") == false;
        return [.. All.Where(Applies).Select(c => c.Find(pod)).OfType<PodSecurityViolation>()];

        bool Applies(Check check) =>
            check.Level <= standard.Level && check.Since <= minor
            && !(standard.Level == PodSecurityLevel.Restricted && check.Superseded <= minor)
            && !(ownUsers && check.OwnUsers <= minor);
    }

    /// <summary>All containers, in the order in which they are spoken of.</summary>
    public static IEnumerable<JsonObject> Containers(JsonObject pod) =>
        new[] { "initContainers", "containers", "ephemeralContainers" }.SelectMany(list => pod.Objects("spec", list)).Select(static c => c.Item);

    private static PodSecurityViolation? AppArmorProfile(JsonObject pod)
    {
        const string Annotation = "container.apparmor.security.beta.kubernetes.io/";
        var (setters, values) = Set(pod, ["appArmorProfile", "type"], static type => type is not ("RuntimeDefault" or "Localhost"));
        var annotations = pod.TextMap("metadata", "annotations")
            .Where(static a => a.Key.StartsWith(Annotation, StringComparison.Ordinal) && a.Value is not ("" or "runtime/default") && !a.Value.StartsWith("localhost/", StringComparison.Ordinal))
            .Select(static a => $"{a.Key}={Quote(a.Value)}").ToList();
        var all = string.Join(" and ", new[] { setters, annotations.Count > 0 ? Some("annotation", annotations.Count) : "" }.Where(static s => s.Length > 0));
        var bad = Sorted(values.Concat(annotations));
        return bad.Count > 0 ? new(bad.Count == 1 ? "forbidden AppArmor profile" : "forbidden AppArmor profiles", $"{all} must not set AppArmor profile type to {Quote(bad)}") : null;
    }

    private static PodSecurityViolation? AddedCapabilities(JsonObject pod) =>
        Adding(pod, UsualCapabilities.Contains) is { } detail ? new("non-default capabilities", detail) : null;

    private static PodSecurityViolation? DroppedCapabilities(JsonObject pod)
    {
        var keeping = Names(pod, static c => !c.Texts(Context, "capabilities", "drop").Contains("ALL"));
        var details = new List<string>();
        if (keeping.Count > 0) details.Add($"{Containers(keeping)} must set securityContext.capabilities.drop=[\"ALL\"]");
        if (Adding(pod, static name => name == "NET_BIND_SERVICE") is { } added) details.Add(added);
        return details.Count > 0 ? new("unrestricted capabilities", string.Join("; ", details)) : null;
    }

    private static string? Adding(JsonObject pod, Func<string, bool> allowed)
    {
        var added = Containers(pod).Select(c => (c, Added: c.Texts(Context, "capabilities", "add").Where(a => !allowed(a)).ToList())).Where(static c => c.Added.Count > 0).ToList();
        return added.Count == 0 ? null : $"{Containers([.. added.Select(static a => Name(a.c))])} must not include {Quote(Sorted(added.SelectMany(static a => a.Added)))} in securityContext.capabilities.add";
    }

    private static PodSecurityViolation? HostNamespaces(JsonObject pod)
    {
        var shared = new[] { "hostNetwork", "hostPID", "hostIPC" }.Where(n => pod.Flag("spec", n) == true).Select(static n => $"{n}=true").ToList();
        return shared.Count > 0 ? new("host namespaces", string.Join(", ", shared)) : null;
    }

    private static PodSecurityViolation? HostPathVolumes(JsonObject pod)
    {
        var volumes = pod.Objects("spec", "volumes").Where(static v => v.Item.At("hostPath") is not null).Select(static v => Name(v.Item)).ToList();
        return volumes.Count > 0 ? new("hostPath volumes", $"{Some("volume", volumes.Count)} {Quote(volumes)}") : null;
    }

    private static PodSecurityViolation? VolumeTypes(JsonObject pod)
    {
        var volumes = pod.Objects("spec", "volumes")
            .Select(static v => (Name: Name(v.Item), Type: v.Item.Where(static m => m.Key != "name" && m.Value is not null).Select(static m => m.Key).FirstOrDefault() ?? "unknown"))
            .Where(static v => !PortableVolumes.Contains(v.Type)).ToList();
        if (volumes.Count == 0) return null;
        var types = Sorted(volumes.Select(static v => v.Type));
        return new("restricted volume types", $"{Some("volume", volumes.Count)} {Quote(volumes.Select(static v => v.Name))} {(volumes.Count == 1 ? "uses" : "use")} {Some("restricted volume type", types.Count)} {Quote(types)}");
    }

    private static PodSecurityViolation? HostPorts(JsonObject pod)
    {
        var ports = Containers(pod).Select(static c => (c, Ports: c.Objects("ports").Select(static p => p.Item.Integer("hostPort") ?? 0).Where(static p => p != 0).Select(static p => p.ToString(System.Globalization.CultureInfo.InvariantCulture)).ToList()))
            .Where(static c => c.Ports.Count > 0).ToList();
        if (ports.Count == 0) return null;
        var numbers = Sorted(ports.SelectMany(static p => p.Ports));
        return new("hostPort", $"{Containers([.. ports.Select(static p => Name(p.c))])} {(ports.Count == 1 ? "uses" : "use")} {Some("hostPort", numbers.Count)} {string.Join(", ", numbers)}");
    }

    private static PodSecurityViolation? HostsOfProbes(JsonObject pod)
    {
        var asking = Containers(pod).Select(static c => (c, Hosts: Handlers(c).SelectMany(static h => new[] { h.Text("httpGet", "host"), h.Text("tcpSocket", "host") }).Where(static h => h is { Length: > 0 }).Select(static h => h!).ToList()))
            .Where(static c => c.Hosts.Count > 0).ToList();
        if (asking.Count == 0) return null;
        var hosts = Sorted(asking.SelectMany(static a => a.Hosts));
        return new("probe or lifecycle host", $"{Containers(Sorted(asking.Select(static a => Name(a.c))))} {(asking.Count == 1 ? "uses" : "use")} {Some("probe or lifecycle host", hosts.Count)} {Quote(hosts)}");

        static IEnumerable<JsonNode?> Handlers(JsonObject container) =>
            [container["livenessProbe"], container["readinessProbe"], container["startupProbe"], container.At("lifecycle", "postStart"), container.At("lifecycle", "preStop")];
    }

    private static PodSecurityViolation? Privileged(JsonObject pod) =>
        Names(pod, static c => c.Flag(Context, "privileged") == true) is { Count: > 0 } bad ? new("privileged", $"{Containers(bad)} must not set securityContext.privileged=true") : null;

    private static PodSecurityViolation? ProcMount(JsonObject pod)
    {
        var bad = Containers(pod).Where(static c => c.Text(Context, "procMount") is { } type && type != "Default").ToList();
        return bad.Count > 0 ? new("procMount", $"{Containers([.. bad.Select(Name)])} must not set securityContext.procMount to {Quote(Sorted(bad.Select(static c => c.Text(Context, "procMount")!)))}") : null;
    }

    private static PodSecurityViolation? SELinuxOptions(JsonObject pod)
    {
        var types = new List<string>();
        var (user, role) = (false, false);
        var setters = Setters(IsBad(pod.Object("spec")), Names(pod, IsBad));
        if (setters.Length == 0) return null;
        var what = new List<string>();
        if (types.Count > 0) what.Add($"{Some("type", Sorted(types).Count)} {Quote(Sorted(types))}");
        if (user) what.Add("user may not be set");
        if (role) what.Add("role may not be set");
        return new("seLinuxOptions", $"{setters} set forbidden securityContext.seLinuxOptions: {string.Join("; ", what)}");

        bool IsBad(JsonObject holder)
        {
            var type = holder.Text(Context, "seLinuxOptions", "type") ?? "";
            var (badType, hasUser, hasRole) = (!UsualSELinuxTypes.Contains(type), holder.Text(Context, "seLinuxOptions", "user") is { Length: > 0 }, holder.Text(Context, "seLinuxOptions", "role") is { Length: > 0 });
            if (badType) types.Add(type);
            (user, role) = (user || hasUser, role || hasRole);
            return badType || hasUser || hasRole;
        }
    }

    /// <param name="required">Whether saying nothing is against the standard, too.</param>
    private static PodSecurityViolation? SeccompProfile(JsonObject pod, bool required)
    {
        var (setters, values) = Set(pod, ["seccompProfile", "type"], static type => !IsConfined(type));
        if (setters.Length > 0) return new("seccompProfile", $"{setters} must not set securityContext.seccompProfile.type to {Quote(values)}");
        if (!required || pod.Text("spec", Context, "seccompProfile", "type") is not null) return null;
        var silent = Names(pod, static c => c.Text(Context, "seccompProfile", "type") is null);
        return silent.Count > 0 ? new("seccompProfile", $"pod or {Containers(silent)} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"") : null;

        static bool IsConfined(string type) => type is "RuntimeDefault" or "Localhost";
    }

    private static PodSecurityViolation? Sysctls(JsonObject pod)
    {
        var unsafeOnes = pod.Objects("spec", Context, "sysctls").Select(static s => Name(s.Item)).Where(static s => !SafeSysctls.Contains(s)).ToList();
        return unsafeOnes.Count > 0 ? new("forbidden sysctls", string.Join(", ", unsafeOnes)) : null;
    }

    private static PodSecurityViolation? WindowsHostProcess(JsonObject pod)
    {
        var setters = Setters(IsBad(pod.Object("spec")), Names(pod, IsBad));
        return setters.Length > 0 ? new("hostProcess", $"{setters} must not set securityContext.windowsOptions.hostProcess=true") : null;

        static bool IsBad(JsonObject holder) => holder.Flag(Context, "windowsOptions", "hostProcess") == true;
    }

    private static PodSecurityViolation? AllowPrivilegeEscalation(JsonObject pod) =>
        Names(pod, static c => c.Flag(Context, "allowPrivilegeEscalation") != false) is { Count: > 0 } bad
            ? new("allowPrivilegeEscalation != false", $"{Containers(bad)} must set securityContext.allowPrivilegeEscalation=false")
            : null;

    private static PodSecurityViolation? RunAsNonRoot(JsonObject pod)
    {
        var ofPod = pod.Flag("spec", Context, "runAsNonRoot");
        var setters = Setters(ofPod == false, Names(pod, static c => c.Flag(Context, "runAsNonRoot") == false));
        if (setters.Length > 0) return new("runAsNonRoot != true", $"{setters} must not set securityContext.runAsNonRoot=false");
        var silent = ofPod == true ? [] : Names(pod, static c => c.Flag(Context, "runAsNonRoot") is null);
        return silent.Count > 0 ? new("runAsNonRoot != true", $"pod or {Containers(silent)} must set securityContext.runAsNonRoot=true") : null;
    }

    private static PodSecurityViolation? RunAsUser(JsonObject pod)
    {
        var setters = Setters(pod.Integer("spec", Context, "runAsUser") == 0, Names(pod, static c => c.Integer(Context, "runAsUser") == 0));
        return setters.Length > 0 ? new("runAsUser=0", $"{setters} must not set runAsUser=0") : null;
    }

    /// <summary>Who sets a text of the security context, the pod's or a container's, to something bad; and to what.</summary>
    private static (string Setters, IReadOnlyList<string> Values) Set(JsonObject pod, string[] path, Func<string, bool> isBad)
    {
        var values = new List<string>();
        var setters = Setters(IsBad(pod.Object("spec")), Names(pod, IsBad));
        return (setters, Sorted(values));

        bool IsBad(JsonObject holder)
        {
            if (holder.Text([Context, .. path]) is not { } value || !isBad(value)) return false;
            values.Add(value);
            return true;
        }
    }

    /// <summary>Such as <c>pod and container "c"</c>; empty for none.</summary>
    private static string Setters(bool pod, IReadOnlyList<string> containers) =>
        string.Join(" and ", new[] { pod ? "pod" : "", containers.Count > 0 ? Containers(containers) : "" }.Where(static s => s.Length > 0));

    private static List<string> Names(JsonObject pod, Func<JsonObject, bool> which) => [.. Containers(pod).Where(which).Select(Name)];

    private static string Name(JsonObject named) => named.Text("name") ?? "";

    private static string Containers(IReadOnlyList<string> names) => $"{Some("container", names.Count)} {Quote(names)}";

    private static string Some(string one, int count) => count == 1 ? one : $"{one}s";

    private static List<string> Sorted(IEnumerable<string> texts) => [.. texts.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static string Quote(IEnumerable<string> texts) => string.Join(", ", texts.Select(Quote));

    private static string Quote(string text) => $"\"{text}\"";
}
