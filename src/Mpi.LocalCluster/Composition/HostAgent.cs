using System.Text;
using Mpi.Agent.Protocol;

namespace Mpi.LocalCluster;

/// <summary>
/// This program as the launch agent of local pods ("host build", design section 4), so that nobody waits for a native build on one
/// machine: a file of one line, which tells the kernel what to start. No shell comes between, and a copy of it does the same.
/// </summary>
/// <param name="File">The file's path on this machine, and in pods.</param>
/// <param name="Folders">Every folder that pods must see, at the same path, for it to work.</param>
public sealed record HostAgent(string File, IReadOnlyList<string> Folders)
{
    /// <summary>What the kernel reads of a file for its interpreter line (execve(2)): 127 bytes before Linux 5.1.</summary>
    private static readonly int LineAtMost = Environment.OSVersion.Version >= new Version(5, 1) ? 255 : 127;

    /// <param name="folder">Belongs to the cluster, and is empty.</param>
    /// <exception cref="IOException">No interpreter line can name this folder; the message says why and what helps.</exception>
    public static HostAgent Write(string folder, HostProgram program)
    {
        // The kernel reads the line as a program and one argument. The links' names are ours, so a space or the length of the program's own path does no harm.
        var line = $"#!{string.Join(' ', program.Command.Select(word => Link(folder, word)))}";
        if (folder.Any(char.IsWhiteSpace) || Encoding.UTF8.GetByteCount(line) > LineAtMost)
        {
            throw new IOException($"{folder}: no program can be started by a path that has a space or takes more than {LineAtMost} bytes twice. Set XDG_RUNTIME_DIR or TMPDIR to another folder.");
        }

        var path = Path.Combine(folder, AgentContract.FileName);
        System.IO.File.WriteAllText(path, line + "\n");
        System.IO.File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        return new HostAgent(path, [folder, .. program.Folders]);
    }

    private static string Link(string folder, string target)
    {
        var link = Path.Combine(folder, Path.GetFileName(target).Replace(' ', '-'));
        System.IO.File.CreateSymbolicLink(link, target);
        return link;
    }
}

/// <summary>How to start this program again.</summary>
/// <param name="Command">The program, and the file that it runs where it is not all in one.</param>
/// <param name="Folders">Where it and its runtime are.</param>
public sealed record HostProgram(IReadOnlyList<string> Command, IReadOnlyList<string> Folders)
{
    public static HostProgram Current()
    {
        var executable = Environment.ProcessPath ?? throw new InvalidOperationException("the program's own path is unknown");
        var folder = AppContext.BaseDirectory.TrimEnd('/');
        if (Path.GetFileNameWithoutExtension(executable) != "dotnet") return new HostProgram([executable], [Path.GetDirectoryName(executable)!]);

        // `dotnet` is often a link into the SDK's folder, and pods must see the folder itself.
        var dotnet = new FileInfo(executable).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? executable;
        return new HostProgram([dotnet, Path.Combine(folder, "kubempi.dll")], [folder, Path.GetDirectoryName(dotnet)!]);
    }
}
