using System.Globalization;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>What is odd about users, keys and security settings: where ssh logins fail (spec/cerit-sshd-image.md 3, 4, 6).</summary>
internal static class UserAdvice
{
    private const string SameUser = "ssh logs in as the launcher's user; a non-root sshd accepts only its own user";

    /// <param name="homeOf">The home folder of a UID in an image, where that is known; null leaves it unknown for all.</param>
    public static void Give(JobShape job, Func<string, long, string?>? homeOf, Advice advice)
    {
        CheckLimits(job, advice);
        // The rest is about sshd and its keys.
        if (!job.UsesSsh) return;
        if (job.Worker.Exists)
        {
            CheckSameUser(job, advice);
            if (homeOf is not null) CheckHome(job, homeOf, advice);
        }

        foreach (var role in job.Roles)
        {
            CheckRootsKeys(job, role, advice);
            CheckGroup(job, role, advice);
            CheckMounts(job, role, advice);
        }

        CheckCapabilities(job.Worker, advice);
        if (job.Worker.PodSpec.Flag("hostNetwork") == true) advice.Warn("S21", $"{job.Worker.PodPath}.hostNetwork", "sshd's port may clash with other workers on the node");
    }

    private static void CheckSameUser(JobShape job, Advice advice)
    {
        var (launcher, worker) = (job.Launcher.User, job.Worker.User);
        if (launcher == worker || job.Launcher.Main is null || job.Worker.Main is null) return;
        var id = launcher is null || worker is null ? "S08" : "S07";
        advice.Warn(id, launcher is null ? job.Worker.UserPath : job.Launcher.UserPath, SameUser, "Use the same runAsUser in both roles.");
    }

    private static void CheckHome(JobShape job, Func<string, long, string?> homeOf, Advice advice)
    {
        // For root's folder there is a rule of its own.
        if (job.KeyPath is not { } keys || job.KeysAreRoots) return;
        foreach (var role in job.Roles)
        {
            if (role.User is not ({ } user and > 0) || role.Main is not { } main) continue;
            var home = homeOf(main.Image, user);
            if (home is not null && $"{home}/.ssh" == keys) continue;
            var parent = keys.EndsWith("/.ssh", StringComparison.Ordinal) ? keys[..^"/.ssh".Length] : keys;
            advice.Warn("S05", "spec.sshAuthMountPath", Invariant($"Keys go to {keys}. This works only if the image's UID {user} has home {parent}"), home is null ? null : $"Image {main.Image} has the home {home}: write {home}/.ssh.");
            return;
        }
    }

    private static void CheckRootsKeys(JobShape job, RoleShape role, Advice advice)
    {
        if (role.User is { } user and > 0 && job.KeysAreRoots) advice.Warn("S06", role.UserPath, Invariant($"UID {user} cannot use /root/.ssh"), "Set sshAuthMountPath to the user's home + /.ssh.");
    }

    private static void CheckGroup(JobShape job, RoleShape role, Advice advice)
    {
        var isRoot = role.User == 0 || (role.User is null && job.KeysAreRoots);
        if (!isRoot || !role.PodSpec.Has("securityContext", "fsGroup")) return;
        advice.Warn("S16", $"{role.PodPath}.securityContext.fsGroup", "fsGroup makes the private key readable by a group, and root's ssh refuses such a key", "Remove fsGroup, or run as another user than root.");
    }

    private static void CheckMounts(JobShape job, RoleShape role, Advice advice)
    {
        if (role.Main is not { } main) return;
        var keys = job.KeyPath ?? JobShape.RootKeys;
        var home = keys[..Math.Max(1, keys.LastIndexOf('/'))];
        var index = 0;
        foreach (var mount in main.Element.Items("volumeMounts"))
        {
            var path = Invariant($"{main.Path}.volumeMounts[{index++}].mountPath");
            var target = mount.Text("mountPath")?.TrimEnd('/');
            if (target == keys) advice.Warn("S17", path, "This volume hides the ssh keys", $"Mount it elsewhere than {keys}.");
            else if (target == home) advice.Warn("S17", path, $"This volume hides what the image has in {home}, such as an sshd configuration", "Mount it elsewhere if the image needs those files.");
        }
    }

    /// <summary>Images made from kubeflow's base carry a file capability on sshd; without it in the bounding set the kernel refuses to start sshd.</summary>
    private static void CheckCapabilities(RoleShape worker, Advice advice)
    {
        if (worker.Main is not { } main || !main.Image.StartsWith("mpioperator/", StringComparison.Ordinal)) return;
        var dropsAll = main.Element.Items("securityContext", "capabilities", "drop").Any(static c => string.Equals(c.ToString(), "ALL", StringComparison.OrdinalIgnoreCase));
        var addsIt = main.Element.Items("securityContext", "capabilities", "add").Any(static c => c.ToString() is "NET_BIND_SERVICE" or "CAP_NET_BIND_SERVICE");
        if (dropsAll && !addsIt) advice.Warn("S18", $"{main.Path}.securityContext.capabilities", "sshd in this image has the file capability NET_BIND_SERVICE, and without it the kernel refuses to start it", "Add NET_BIND_SERVICE to capabilities.add, or use an image without file capabilities.");
    }

    private static void CheckLimits(JobShape job, Advice advice)
    {
        const int Much = 4;
        if (job.LauncherRunsRanks || job.Launcher.Main is not { } launcher || job.Worker.Main is not { } worker) return;
        foreach (var resource in (ReadOnlySpan<string>)["cpu", "memory"])
        {
            var (atLauncher, atWorker) = (launcher.Element.At("resources", "limits", resource), worker.Element.At("resources", "limits", resource));
            if (Quantity.Read(atLauncher) is not { } large || Quantity.Read(atWorker) is not { } small || small.Sign <= 0) continue;
            if ((decimal)large.MilliUnits <= (decimal)small.MilliUnits * Much) continue;
            advice.Warn("S19", $"{launcher.Path}.resources.limits[{resource}]", $"The launcher may use {atLauncher} of {resource} and each worker {atWorker}, but ranks run on the workers, not on the launcher");
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
