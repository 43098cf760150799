using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mpi.Agent.Roles;

/// <summary>The calls into libc for which .NET has no name. Structures of libc are opaque here: pointers to memory that is large enough.</summary>
internal static partial class LibC
{
    public const int SigTerm = 15;
    public const int SigKill = 9;

    /// <summary>Sends a signal to a process, or with a negative number to a group. False when there is none, or it is not ours.</summary>
    public static bool Kill(int pid, int signal) => KillCore(pid, signal) == 0;

    /// <summary>Orphans among this process's descendants become its children (prctl(2), PR_SET_CHILD_SUBREAPER).</summary>
    public static void BecomeSubreaper()
    {
        const int setChildSubreaper = 36;
        if (ProcessControl(setChildSubreaper, 1, 0, 0, 0) != 0) throw Failure("prctl");
    }

    /// <summary>Sets a variable for native libraries of this process, which do not see .NET's own copy of the environment.</summary>
    public static void SetNativeVariable(string name, string value)
    {
        if (SetVariable(name, value, 1) != 0) throw Failure("setenv");
    }

    /// <summary>A pipe whose ends no other program inherits.</summary>
    public static (SafeFileHandle Read, SafeFileHandle Write) Pipe()
    {
        const int closeOnExec = 0x80000;
        var ends = new int[2];
        if (MakePipe(ends, closeOnExec) != 0) throw Failure("pipe");
        return (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true));
    }

    /// <summary>
    /// Reads what is there, 0 at the end. Plainly, at the descriptor's own place: .NET keeps a place of its own in files, and
    /// programs that share one would write over each other.
    /// </summary>
    public static int Read(SafeFileHandle file, Span<byte> buffer)
    {
        while (true)
        {
            var count = ReadCore(file, ref MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (count >= 0) return (int)count;
            WaitOrThrow("read", file, forInput: true);
        }
    }

    /// <summary>Whether a read would not wait: there is something, or the end, or an error.</summary>
    public static bool IsReadable(SafeFileHandle file)
    {
        const int input = 1, atOnce = 0;
        var entry = (uint)file.DangerousGetHandle() | ((long)input << 32);
        return Poll(ref entry, 1, atOnce) > 0;
    }

    /// <summary>Writes all.</summary>
    public static void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var count = WriteCore(file, ref MemoryMarshal.GetReference(bytes), (nuint)bytes.Length);
            if (count >= 0) bytes = bytes[(int)count..];
            else WaitOrThrow("write", file, forInput: false);
        }
    }

    /// <summary>A launcher may have made its end, which is ours too, one that does not wait.</summary>
    private static void WaitOrThrow(string call, SafeFileHandle file, bool forInput)
    {
        const int interrupted = 4, tryAgain = 11, input = 1, output = 4, forEver = -1;
        var error = Marshal.GetLastPInvokeError();
        if (error is not (interrupted or tryAgain)) throw Failure(call);
        // struct pollfd: the descriptor, what is waited for, what has come.
        var entry = (uint)file.DangerousGetHandle() | ((long)(forInput ? input : output) << 32);
        if (error == tryAgain) _ = Poll(ref entry, 1, forEver);
    }

    /// <summary>What a program that this one starts would inherit by accident, it does not inherit after this.</summary>
    public static void CloseOnExecAll()
    {
        const int setFlags = 2, closeOnExec = 1;
        foreach (var entry in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
        {
            // Some, such as the one that lists them, are gone by now.
            if (int.TryParse(Path.GetFileName(entry), out var descriptor) && descriptor > 2) _ = Control(descriptor, setFlags, closeOnExec);
        }
    }

    /// <summary>How a child ended, if it has: it is gone for good then.</summary>
    public static SessionEnd? Reap(int pid)
    {
        const int dontWait = 1;
        if (Wait(pid, out var status, dontWait) != pid) return null;
        var signal = status & 0x7f;
        return new SessionEnd((byte)(signal == 0 ? (status >> 8) & 0xff : 0), (byte)signal);
    }

    /// <summary>Any child that has ended and is not reaped yet; 0 when there is none.</summary>
    public static int EndedChild()
    {
        const int anyChild = 0, ended = 4, dontWait = 1, keep = 0x01000000, pidOffset = 12, infoLength = 128;
        var info = Marshal.AllocHGlobal(infoLength);
        try
        {
            Marshal.WriteInt32(info, pidOffset, 0);
            return WaitAny(anyChild, 0, info, ended | dontWait | keep) == 0 ? Marshal.ReadInt32(info, pidOffset) : 0;
        }
        finally
        {
            Marshal.FreeHGlobal(info);
        }
    }

    /// <summary>.NET ignores SIGPIPE, and what is ignored stays so in the program that this process becomes.</summary>
    public static void RestoreBrokenPipes()
    {
        const int brokenPipe = 13, usual = 0;
        _ = SetSignal(brokenPipe, usual);
    }

    /// <summary>execve(2).</summary>
    /// <returns>Only when it failed: why.</returns>
    public static string Execute(string path, nint[] argv, nint[] environment)
    {
        _ = ExecuteCore(path, argv, environment);
        return Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
    }

    public static IOException Failure(string call) => new($"{call}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadCore(SafeFileHandle file, ref byte buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteCore(SafeFileHandle file, ref byte bytes, nuint length);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(ref long entry, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int KillCore(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int ProcessControl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", EntryPoint = "setenv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "pipe2", SetLastError = true)]
    private static partial int MakePipe([In, Out] int[] ends, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint SetSignal(int signal, nint handler);

    [LibraryImport("libc", EntryPoint = "execve", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExecuteCore(string path, nint[] argv, nint[] environment);

    [LibraryImport("libc", EntryPoint = "waitpid")]
    private static partial int Wait(int pid, out int status, int options);

    [LibraryImport("libc", EntryPoint = "waitid")]
    private static partial int WaitAny(int kind, int id, nint info, int options);

    [LibraryImport("libc", EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Spawn(out int pid, string path, nint actions, nint attributes, nint[] argv, nint[] environment);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    internal static partial int InitActions(nint actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    internal static partial int DestroyActions(nint actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_adddup2")]
    internal static partial int AddDuplicate(nint actions, int from, int to);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addchdir_np", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int AddDirectory(nint actions, string path);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    internal static partial int InitAttributes(nint attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_destroy")]
    internal static partial int DestroyAttributes(nint attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    internal static partial int SetFlags(nint attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    internal static partial int SetDefaultSignals(nint attributes, nint signals);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigmask")]
    internal static partial int SetSignalMask(nint attributes, nint signals);

    [LibraryImport("libc", EntryPoint = "sigfillset")]
    internal static partial int FillSignals(nint signals);

    [LibraryImport("libc", EntryPoint = "sigemptyset")]
    internal static partial int EmptySignals(nint signals);
}
