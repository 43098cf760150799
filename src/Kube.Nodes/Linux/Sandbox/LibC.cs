using System.Runtime.InteropServices;

namespace Kube.Nodes.Linux;

/// <summary>The calls into libc for which .NET has no name.</summary>
internal static partial class LibC
{
    public const int SigTerm = 15;
    public const int SigKill = 9;

    /// <summary>Sends a signal. False when there is no such process, or it is not ours.</summary>
    public static bool Kill(int pid, int signal) => pid > 1 && KillCore(pid, signal) == 0;

    public static bool IsRoot => GetEffectiveUserId() == 0;

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint GetEffectiveUserId();

    [LibraryImport("libc", EntryPoint = "getegid")]
    public static partial uint GetEffectiveGroupId();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int KillCore(int pid, int signal);
}
