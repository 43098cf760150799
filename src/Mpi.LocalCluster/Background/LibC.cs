using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mpi.LocalCluster;

/// <summary>The calls into libc for which .NET has no name.</summary>
internal static partial class LibC
{
    private const int LockExclusive = 2;
    private const int LockWithoutWaiting = 4;
    private const int AtWorkingDirectory = -100;
    private const int AtSymlinkItself = 0x100;
    private const int AtEmptyPath = 0x1000;
    private const uint BasicFacts = 0x7ff;

    /// <summary>Locks an open file for ourselves alone (flock(2)); false when somebody else has it.</summary>
    public static bool TryLock(SafeFileHandle file) => Flock(file, LockExclusive | LockWithoutWaiting) == 0;

    /// <summary>What is at a path, a symbolic link itself and not what it leads to; null when there is nothing.</summary>
    public static FileFacts? Facts(string path) => Facts(AtWorkingDirectory, path, AtSymlinkItself);

    /// <summary>What an open file is, whatever its name is by now.</summary>
    public static FileFacts? Facts(SafeFileHandle file) => Facts((int)file.DangerousGetHandle(), "", AtEmptyPath);

    private static FileFacts? Facts(int folder, string path, int flags)
    {
        // struct statx (linux/stat.h) is the same on every architecture, which struct stat is not.
        var facts = new byte[256];
        if (Statx(folder, path, flags, BasicFacts, facts) != 0) return null;
        return new FileFacts(
            BinaryPrimitives.ReadUInt32LittleEndian(facts.AsSpan(20)),
            BinaryPrimitives.ReadUInt32LittleEndian(facts.AsSpan(24)),
            BinaryPrimitives.ReadUInt16LittleEndian(facts.AsSpan(28)),
            BinaryPrimitives.ReadUInt64LittleEndian(facts.AsSpan(32)),
            (BinaryPrimitives.ReadUInt32LittleEndian(facts.AsSpan(136)), BinaryPrimitives.ReadUInt32LittleEndian(facts.AsSpan(140))));
    }

    /// <summary>Gives a file to a user and a group; root's right.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public static void GiveTo(string path, uint user, uint group)
    {
        if (Lchown(path, user, group) != 0) throw new IOException($"{path} cannot be given to user {user}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "kill")]
    public static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "flock")]
    private static partial int Flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, [Out] byte[] facts);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Lchown(string path, uint user, uint group);
}

/// <param name="Owner">The user's number.</param>
/// <param name="Group">The group's number.</param>
/// <param name="Mode">Type and permissions, as in stat(2).</param>
/// <param name="Number">The inode, unique on its device.</param>
internal readonly record struct FileFacts(uint Owner, uint Group, ushort Mode, ulong Number, (uint Major, uint Minor) Device)
{
    public bool IsFolder => (Mode & 0xf000) == 0x4000;

    public bool IsForOwnerOnly => (Mode & 0b111_111) == 0;
}
