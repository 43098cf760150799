using System.Collections.Immutable;

namespace Kube.Client;

/// <summary>What to run in a container.</summary>
/// <param name="Command">The program and its arguments; no shell is in between.</param>
/// <param name="Container">Empty for the pod's only container.</param>
/// <param name="Input">Whether <see cref="RemoteProcess.Input"/> will be written; without it the command's input is empty.</param>
/// <param name="Terminal">Give the command a terminal. Its one output is <see cref="RemoteProcess.Output"/>.</param>
public sealed record ExecOptions(ImmutableArray<string> Command, string Container = "", bool Input = false, bool Terminal = false);
