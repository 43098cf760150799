using System.Reflection;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

/// <summary>
/// Calls of the remote-shell program as real launchers of Debian bookworm made them (Open MPI 4.1.4, MPICH 4.0.2), one argument a
/// line; names and addresses of the machine replaced. Recorded by a program that writes down its arguments:
/// <c>ompi4-bare</c> is <c>mpirun</c>, <c>-absolute</c> is <c>/usr/bin/mpirun</c>, <c>-prefix</c> has <c>--prefix "/opt/my mpi"</c>, <c>-attached</c> our own
/// environment, <c>-bourne</c> a user whose shell is <c>/bin/sh</c>, <c>-nouser</c> a user id without an entry.
/// </summary>
internal static class Recorded
{
    public static RemoteShellCall Call(string name) => RemoteShellCall.Parse(Args(name));

    public static string[] Args(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Recorded.{name}.txt") ?? throw new FileNotFoundException(name);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().TrimEnd('\n').Split('\n');
    }
}
