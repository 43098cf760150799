using Mpi.Agent.Protocol;

namespace Mpi.LocalCluster;

/// <summary>
/// This program as the launch agent of local pods ("host build", design section 4): a small script that pods see and that
/// starts this very program in its <c>agent</c> role, so that nobody waits for a native build on one machine.
/// </summary>
/// <param name="Script">The script's path on this machine, and in pods.</param>
/// <param name="Folders">Every folder that pods must see, at the same path, for the script to work.</param>
public sealed record HostAgent(string Script, IReadOnlyList<string> Folders)
{
    /// <summary>Writes the script into the cluster's folder. It tells the role <c>deliver</c> to link to it rather than to copy a program.</summary>
    /// <param name="folder">Belongs to the cluster.</param>
    /// <param name="program">How this program is started: itself when it is one file, <c>dotnet exec kubempi.dll</c> from a checkout.</param>
    public static HostAgent Write(string folder, HostProgram program)
    {
        var path = Path.Combine(folder, "kubempi-agent");
        File.WriteAllText(path, $"#!/bin/sh\n{program.Environment}export {AgentContract.CommandVariable}={Quote(path)}\nexec {string.Join(' ', program.Command.Select(Quote))} agent \"$@\"\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        return new HostAgent(path, [folder, .. program.Folders]);
    }

    private static string Quote(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}

/// <summary>How to start this program again.</summary>
/// <param name="Command">The program and its first arguments.</param>
/// <param name="Folders">Where it and its runtime are.</param>
/// <param name="Environment">Shell assignments that it needs, each ended by a newline.</param>
public sealed record HostProgram(IReadOnlyList<string> Command, IReadOnlyList<string> Folders, string Environment)
{
    public static HostProgram Current()
    {
        var executable = System.Environment.ProcessPath ?? throw new InvalidOperationException("the program's own path is unknown");
        var folder = AppContext.BaseDirectory.TrimEnd('/');
        if (Path.GetFileNameWithoutExtension(executable) != "dotnet") return new HostProgram([executable], [Path.GetDirectoryName(executable)!], "");

        // `dotnet` is often a link into the SDK's folder, and pods must see the folder itself.
        var dotnet = new FileInfo(executable).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? executable;
        var entry = Path.Combine(folder, "kubempi.dll");
        return new HostProgram([dotnet, "exec", entry], [folder, Path.GetDirectoryName(dotnet)!], "export DOTNET_TieredPGO=0\n");
    }
}
