using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>What ssh's exit code and words say about a login (OpenSSH 7 to 10).</summary>
public static class SshDiagnosis
{
    /// <summary>ssh's own failures exit with 255; every other code is the remote command's, so somebody was logged in.</summary>
    private const int OwnFailure = 255;

    private const int LongestReason = 240;

    // Order matters: ssh prints its warnings first and one conclusion last, and a bad key mode also ends in "Permission denied".
    private static readonly (string Text, UnreachableCause Cause, string Remedy)[] Known =
    [
        ("No user exists for uid", UnreachableCause.NoSuchUser, "the image's passwd file has no user with the container's runAsUser"),
        ("are too open", UnreachableCause.KeyMode, "the private key must not be readable by others when its owner runs ssh; as root use sshAuthMountPath /root/.ssh and no fsGroup"),
        ("bad permissions", UnreachableCause.KeyMode, "the private key must not be readable by others when its owner runs ssh; as root use sshAuthMountPath /root/.ssh and no fsGroup"),
        ("Host key verification failed", UnreachableCause.HostKey, "the launcher image's ssh configuration needs StrictHostKeyChecking no"),
        ("Could not resolve hostname", UnreachableCause.NameUnknown, ""),
        ("Connection refused", UnreachableCause.Refused, ""),
        ("timed out", UnreachableCause.Silent, ""),
        ("No route to host", UnreachableCause.Silent, ""),
        ("Network is unreachable", UnreachableCause.Silent, ""),
        ("Permission denied", UnreachableCause.PermissionDenied, "sshd needs StrictModes no, the same user on both sides, and the key in that user's home"),
        ("Too many authentication failures", UnreachableCause.PermissionDenied, ""),
        ("Connection closed", UnreachableCause.Closed, "sshd ended the connection: look at the worker's log; a non-root sshd must not use PAM"),
        ("Connection reset", UnreachableCause.Closed, "sshd ended the connection: look at the worker's log"),
        ("kex_exchange_identification", UnreachableCause.Closed, "sshd ended the connection: look at the worker's log"),
    ];

    public static ProbeResult Of(int exitCode, string error)
    {
        if (exitCode != OwnFailure) return new ProbeResult.Reached();
        // "exec request failed on channel 0", "channel 0: open failed: ..." (MaxSessions 0): logged in, and no command is run.
        if (error.Contains("request failed on channel", StringComparison.Ordinal) || error.Contains(": open failed: ", StringComparison.Ordinal)) return new ProbeResult.CommandForbidden();

        foreach (var (text, cause, remedy) in Known)
        {
            if (LineWith(text, error) is { } line) return Failed(cause, remedy.Length > 0 ? $"{line} ({remedy})" : line);
        }

        return Failed(UnreachableCause.Other, LineWith("", error) ?? "ssh failed and printed nothing");
    }

    public static ProbeResult.Failed Failed(UnreachableCause cause, string reason) =>
        new(cause, reason.Length <= LongestReason ? reason : reason[..(LongestReason - 1)] + "…");

    /// <summary>The last line that has the text: ssh's conclusion stands at the end.</summary>
    private static string? LineWith(string text, string error)
    {
        var lines = error.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return Array.FindLast(lines, line => line.Contains(text, StringComparison.Ordinal) && !line.StartsWith("Warning: Permanently added", StringComparison.Ordinal));
    }
}
