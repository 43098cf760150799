using System.Collections.Immutable;
using System.Globalization;

namespace Kube.Nodes.Linux;

/// <summary>Whether this machine lets the present user run pods, and what stands in the way.</summary>
/// <param name="Mode">What the pods' user IDs can be.</param>
/// <param name="Obstacles">What makes pods impossible; empty when they are possible.</param>
/// <param name="WithoutUid0">Why a pod of UID 0 cannot run everything, with the ways out; null when it can.</param>
public sealed record SandboxSupport(SandboxMode Mode, ImmutableArray<SandboxObstacle> Obstacles, SandboxObstacle? WithoutUid0)
{
    /// <summary>What the sandboxes are made with, and the Debian packages that hold it.</summary>
    private static readonly (string Program, string Package)[] Tools =
    [
        ("unshare", "util-linux"), ("nsenter", "util-linux"), ("setpriv", "util-linux"), ("setsid", "util-linux"), ("pivot_root", "util-linux"),
        ("mount", "mount"), ("umount", "mount"), ("ip", "iproute2"), ("hostname", "hostname"), ("sh", "dash"), ("env", "coreutils"), ("perl", "perl-base"),
    ];

    /// <summary>The best that the present user can have, if the machine allows any.</summary>
    public static SandboxMode BestMode => LibC.IsRoot ? SandboxMode.Root : SubordinateIds.Available ? SandboxMode.SubordinateIds : SandboxMode.SingleId;

    public bool CanRun => Obstacles.IsEmpty;

    /// <summary>
    /// Tries the real thing: makes a sandbox with one pod and throws it away (about 0.2 s). Only when that fails are causes looked for, since no
    /// list of settings says reliably what a kernel, a security module and a container around us allow together.
    /// </summary>
    public static async Task<SandboxSupport> ProbeAsync(TimeProvider time, CancellationToken cancellation)
    {
        var mode = BestMode;
        var missing = Tools.Where(static t => Tool.Find(t.Program) is null).ToList();
        if (missing.Count > 0)
        {
            return new SandboxSupport(mode, [new SandboxObstacle(
                $"programs are missing: {string.Join(", ", missing.Select(static m => m.Program))}",
                "pods are made with them",
                $"apt-get install {string.Join(' ', missing.Select(static m => m.Package).Distinct())}")], null);
        }

        try
        {
            await using var cluster = await ClusterSandbox.StartAsync(mode, ClusterNetwork.Default, time, cancellation);
            await PodSandbox.CreateAsync(cluster, "probe", "probe", index: 0, cancellation);
            return new SandboxSupport(mode, [], ObstacleOfUid0(mode));
        }
        catch (SandboxException refused)
        {
            return new SandboxSupport(mode, [Explain(mode, refused.Message, Facts.OfThisMachine())], null);
        }
    }

    /// <summary>What a probe looks at to explain a refusal.</summary>
    /// <param name="MaxUserNamespaces">/proc/sys/user/max_user_namespaces; null when unreadable.</param>
    /// <param name="UnprivilegedClone">/proc/sys/kernel/unprivileged_userns_clone: Debian's own switch.</param>
    /// <param name="AppArmorRestricts">/proc/sys/kernel/apparmor_restrict_unprivileged_userns: Ubuntu's, from 23.10 on.</param>
    /// <param name="InContainer">Whether this process runs in a container.</param>
    internal sealed record Facts(string? MaxUserNamespaces, string? UnprivilegedClone, string? AppArmorRestricts, bool InContainer)
    {
        public static Facts OfThisMachine() => new(
            Read("/proc/sys/user/max_user_namespaces"),
            Read("/proc/sys/kernel/unprivileged_userns_clone"),
            Read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            File.Exists("/.dockerenv") || File.Exists("/run/.containerenv") || Environment.GetEnvironmentVariable("container") is { Length: > 0 });

        private static string? Read(string path) => ProcessTree.Read(path)?.Trim();
    }

    /// <summary>Cause and remedy of a refusal; the tool's own words stand in the cause, so that nothing is hidden when the guess is wrong.</summary>
    internal static SandboxObstacle Explain(SandboxMode mode, string said, Facts facts)
    {
        const string userNamespaces = "user namespaces are not allowed";
        if (mode != SandboxMode.Root)
        {
            if (facts.MaxUserNamespaces == "0") return new(userNamespaces, "user.max_user_namespaces is 0", "sudo sysctl -w user.max_user_namespaces=15000, or run as root");
            if (facts.UnprivilegedClone == "0") return new(userNamespaces, "kernel.unprivileged_userns_clone is 0", "sudo sysctl -w kernel.unprivileged_userns_clone=1, or run as root");
            if (facts.AppArmorRestricts == "1")
            {
                return new(
                    userNamespaces,
                    $"AppArmor gives no rights inside user namespaces of programs without a profile (Ubuntu from 23.10 on): {said}",
                    "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root");
            }
        }

        if (facts.InContainer)
        {
            return new(
                "the container around this process does not allow it",
                said,
                mode == SandboxMode.Root
                    ? "start the container with --privileged, or with --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
                    : "start the container with --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined, or with --privileged and run as root");
        }

        if (said.Contains("newuidmap", StringComparison.Ordinal) || said.Contains("newgidmap", StringComparison.Ordinal))
        {
            return new("the subordinate IDs cannot be mapped", said, "reinstall newuidmap with its file capabilities: apt-get install --reinstall uidmap");
        }

        if (said.Contains("veth", StringComparison.Ordinal) || said.Contains("RTNETLINK", StringComparison.Ordinal) || said.Contains("Unknown device type", StringComparison.Ordinal))
        {
            return new("the pods' network cannot be made", said, "load the kernel modules: sudo modprobe veth bridge");
        }

        if (said.Contains("mount", StringComparison.Ordinal)) return new("mounting is not allowed inside a namespace", said, "run as root, or on a machine whose security module allows mounts in user namespaces");
        return new(mode == SandboxMode.Root ? "namespaces cannot be made" : userNamespaces, said, mode == SandboxMode.Root ? "run with the capabilities SYS_ADMIN and NET_ADMIN" : "run as root, or on a machine that allows user namespaces");
    }

    /// <summary>What stands in the way of pods of UID 0 in a mode; null when nothing does.</summary>
    public static SandboxObstacle? ObstacleOfUid0(SandboxMode mode)
    {
        if (mode != SandboxMode.SingleId) return null;
        var user = Environment.UserName;
        var line = string.Create(CultureInfo.InvariantCulture, $"{user}:100000:{SubordinateIds.Count}");
        return new(
            "pods of UID 0 cannot change their user, which an sshd of root does at every login",
            Tool.Find("newuidmap") is null ? "newuidmap is missing (package uidmap)" : $"{user} has no range of {SubordinateIds.Count} IDs in /etc/subuid and /etc/subgid",
            $"set runAsUser to a UID other than 0; or run as root; or give {user} a range: {(Tool.Find("newuidmap") is null ? "apt-get install uidmap, then " : "")}echo {line} | sudo tee -a /etc/subuid /etc/subgid");
    }
}

/// <summary>One thing in the way, in words for people.</summary>
/// <param name="What">What cannot be done.</param>
/// <param name="Cause">Why, as far as it is known.</param>
/// <param name="Remedy">What to do, exactly.</param>
public sealed record SandboxObstacle(string What, string Cause, string Remedy);
