using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mpi.Agent.Roles;

/// <summary>A program to start.</summary>
/// <param name="Path">Of the file; not searched for.</param>
/// <param name="Environment"><c>NAME=value</c>; all that it gets.</param>
/// <param name="Directory">Where it starts; null where this process is.</param>
internal sealed record SpawnRequest(string Path, ImmutableArray<string> Argv, ImmutableArray<string> Environment, string? Directory);

/// <summary>
/// Starts programs as a login would: in a session of their own, with default signals and three descriptors, where .NET's own
/// <c>Process</c> would leave them in the agent's session, out of reach of a signal to all that they started.
/// </summary>
internal static class Spawn
{
    /// <summary>Larger than the structure of any libc.</summary>
    private const int StructureSize = 1024;

    private const short SetSignalDefaults = 0x04, SetSignalMask = 0x08, NewSession = 0x80;

    /// <summary>The new process's id.</summary>
    /// <exception cref="IOException">It does not start; the message is the system's.</exception>
    public static int Start(SpawnRequest request, SafeFileHandle input, SafeFileHandle output, SafeFileHandle error)
    {
        var memory = Marshal.AllocHGlobal(3 * StructureSize);
        var (actions, attributes, signals) = (memory, memory + StructureSize, memory + (2 * StructureSize));
        var argv = Strings(request.Argv);
        var environment = Strings(request.Environment);
        try
        {
            Check(LibC.InitActions(actions));
            Check(LibC.InitAttributes(attributes));
            try
            {
                Check(LibC.AddDuplicate(actions, (int)input.DangerousGetHandle(), 0));
                Check(LibC.AddDuplicate(actions, (int)output.DangerousGetHandle(), 1));
                Check(LibC.AddDuplicate(actions, (int)error.DangerousGetHandle(), 2));
                if (request.Directory is { } directory) Check(LibC.AddDirectory(actions, directory));
                // .NET ignores SIGPIPE, and what is ignored stays so in the programs that one starts.
                Check(LibC.FillSignals(signals));
                Check(LibC.SetDefaultSignals(attributes, signals));
                Check(LibC.EmptySignals(signals));
                Check(LibC.SetSignalMask(attributes, signals));
                Check(LibC.SetFlags(attributes, SetSignalDefaults | SetSignalMask | NewSession));
                Check(LibC.Spawn(out var pid, request.Path, actions, attributes, argv, environment));
                return pid;
            }
            finally
            {
                _ = LibC.DestroyActions(actions);
                _ = LibC.DestroyAttributes(attributes);
            }
        }
        finally
        {
            foreach (var text in argv.Concat(environment)) Marshal.FreeCoTaskMem(text);
            Marshal.FreeHGlobal(memory);
            GC.KeepAlive(input);
            GC.KeepAlive(output);
            GC.KeepAlive(error);
        }
    }

    /// <summary>This process becomes the program, with its own streams.</summary>
    /// <returns>Why it has not.</returns>
    public static IOException Become(SpawnRequest request)
    {
        if (request.Directory is { } directory) Environment.CurrentDirectory = directory;
        LibC.RestoreBrokenPipes();
        return new IOException($"{request.Path} does not start: {LibC.Execute(request.Path, Strings(request.Argv), Strings(request.Environment))}");
    }

    /// <summary>With the zero at the end by which C knows an array's length.</summary>
    private static nint[] Strings(ImmutableArray<string> texts) => [.. texts.Select(Marshal.StringToCoTaskMemUTF8), 0];

    private static void Check(int error)
    {
        if (error != 0) throw new IOException(Marshal.GetPInvokeErrorMessage(error));
    }
}
