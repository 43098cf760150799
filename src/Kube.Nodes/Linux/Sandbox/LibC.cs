using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Kube.Nodes.Linux;

/// <summary>The calls into libc for which .NET has no name.</summary>
internal static partial class LibC
{
    public const int SigHangUp = 1;
    public const int SigTerm = 15;
    public const int SigKill = 9;
    public const int SigStop = 19;

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

    /// <summary>Opens a terminal, or the multiplexer of a <c>/dev/pts</c>: each opening of that makes a pseudo-terminal and is its master. Negative on failure.</summary>
    public static int OpenTerminal(string path)
    {
        const int readWrite = 0x2, noControllingTerminal = 0x100, closeOnExec = 0x80000;
        return Open(path, readWrite | noControllingTerminal | closeOnExec);
    }

    /// <summary>Lets the slave be opened and returns its number; null when the terminal refuses.</summary>
    public static int? UnlockTerminal(SafeHandle master)
    {
        const nuint setLock = 0x40045431, getNumber = 0x80045430;
        var (locked, number) = (0, 0);
        return Control(master, setLock, ref locked) == 0 && Control(master, getNumber, ref number) == 0 ? number : null;
    }

    public static void SetTerminalSize(SafeHandle master, ushort columns, ushort rows)
    {
        const nuint setWindowSize = 0x5414;
        // struct winsize: rows, columns, and two numbers of pixels that nobody uses.
        var size = rows | ((long)columns << 16);
        Control(master, setWindowSize, ref size);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(SafeHandle descriptor, nuint request, ref int value);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(SafeHandle descriptor, nuint request, ref long value);

    /// <summary>A copy, in this process, of a file descriptor of another process that this user may trace (pidfd_getfd(2)).</summary>
    /// <exception cref="IOException">There is no such process or descriptor, or it may not be copied.</exception>
    public static int CopyDescriptor(int pid, int descriptor)
    {
        const nint PidfdOpen = 434, PidfdGetfd = 438; // the same on every architecture
        using var process = new SafeFileHandle(SystemCall(PidfdOpen, pid, 0, 0), ownsHandle: true);
        var copy = process.IsInvalid ? -1 : (int)SystemCall(PidfdGetfd, process.DangerousGetHandle(), descriptor, 0);
        return copy >= 0 ? copy : throw new IOException($"descriptor {descriptor} of process {pid} cannot be copied: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    /// <summary>The type bits of a file's mode (inode(7)), links followed; 0 when there is none.</summary>
    public static int FileType(string path)
    {
        // struct statx: stx_mode are the two bytes after stx_mask, blksize, attributes, nlink, uid, gid.
        const int atWorkingDirectory = -100, size = 256, modeAt = 28;
        const uint wantType = 1;
        var status = new byte[size];
        return Statx(atWorkingDirectory, path, 0, wantType, status) == 0 ? System.Buffers.Binary.BinaryPrimitives.ReadUInt16LittleEndian(status.AsSpan(modeAt)) & 0xF000 : 0;
    }

    /// <summary>Removes an empty folder. A control group counts as empty, files and all; .NET would look at those first.</summary>
    public static bool RemoveFolder(string path) => RemoveDirectory(path) == 0;

    [LibraryImport("libc", EntryPoint = "rmdir", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RemoveDirectory(string path);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, byte[] status);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int KillCore(int pid, int signal);
}
