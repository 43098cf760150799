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

    /// <summary>Puts a file or link in the place of another in one step. <see cref="File.Move(string, string, bool)"/> refuses links to folders.</summary>
    public static void Replace(string from, string to)
    {
        if (Rename(from, to) != 0) throw new IOException($"{from} cannot be renamed to {to}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int KillCore(int pid, int signal);
}
