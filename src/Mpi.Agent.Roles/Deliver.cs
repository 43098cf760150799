using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// Puts the agent as <c>DIR/kubempi-agent</c>, so that containers of any image which mount DIR can run it. It appears
/// whole or not at all: made under another name, then renamed.
/// </summary>
internal static class Deliver
{
    private const UnixFileMode ExecutableByAll =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public static int Run(string directory, AgentEnvironment environment)
    {
        var target = Path.Combine(directory, AgentContract.FileName);
        var unfinished = $"{target}.{Environment.ProcessId}";
        File.Delete(unfinished);
        if (environment.Program is not { } program) throw new UsageException("this build of the agent is not one file and cannot be copied. Use the native build.");
        File.Copy(program, unfinished);
        File.SetUnixFileMode(unfinished, ExecutableByAll);
        File.Move(unfinished, target, overwrite: true);
        // Programs of their own for launchers that take one path and no arguments. The kernel reads the line; no shell is needed.
        foreach (var (name, role) in (ReadOnlySpan<(string, string)>)[(AgentContract.RemoteShellFileName, AgentContract.RemoteShellRole), (AgentContract.ExecShellFileName, AgentContract.ExecShellRole)])
        {
            File.WriteAllText(unfinished, $"#!{target} {role}\n");
            File.SetUnixFileMode(unfinished, ExecutableByAll);
            File.Move(unfinished, Path.Combine(directory, name), overwrite: true);
        }

        // For images whose own /tmp is read-only: anybody's, and nobody may take away another's files.
        var temporary = Directory.CreateDirectory(Path.Combine(directory, AgentContract.TemporaryFolderName)).FullName;
        File.SetUnixFileMode(temporary, ExecutableByAll | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite | UnixFileMode.StickyBit);
        return AgentProgram.Success;
    }
}
