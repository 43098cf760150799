using System.Collections.Immutable;

namespace Mpi.Agent.Roles;

/// <summary>From what a launcher asks for to a program that can be started: the command line read, the program found.</summary>
internal static class CommandSearch
{
    private const string Shell = "/bin/sh";
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <param name="ownEnvironment">The worker's, as <c>NAME=value</c>.</param>
    /// <exception cref="IOException">There is no such program; the message names it and where it was searched.</exception>
    public static SpawnRequest Resolve(StartRequest request, ImmutableArray<string> ownEnvironment)
    {
        var environment = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        Add(environment, ownEnvironment);
        Add(environment, request.Environment);
        var directory = request.Directory.Length > 0 ? request.Directory : null;
        var argv = request.Words;
        if (request.Shell)
        {
            var line = string.Join(' ', request.Words);
            switch (ShellLine.Read(line, name => environment.GetValueOrDefault(name), File.Exists(Path.Combine(directory ?? "", ".profile"))))
            {
                case ShellLine.Command command:
                    argv = command.Argv;
                    foreach (var (name, value) in command.Environment) environment[name] = value;
                    if (command.Directory is { } other) directory = Path.Combine(directory ?? "", other);
                    break;
                case ShellLine.NeedsShell(var why):
                    if (!File.Exists(Shell)) throw new IOException($"the command line needs a shell ({why}) and this image has no {Shell}: {line}");
                    argv = [Shell, "-c", line];
                    break;
            }
        }

        if (directory is not null && !Directory.Exists(directory)) throw new IOException($"there is no directory {directory}");
        var path = Find(argv[0], environment.GetValueOrDefault("PATH") ?? DefaultPath, directory);
        return new SpawnRequest(path, argv, [.. environment.Select(static e => $"{e.Key}={e.Value}")], directory);
    }

    private static string Find(string program, string searchPath, string? directory)
    {
        if (program.Contains('/', StringComparison.Ordinal)) return program;
        var found = searchPath.Split(':')
            .Select(entry => Path.Combine(directory ?? "", entry, program))
            .FirstOrDefault(ProcessRunner.IsExecutable);
        return found ?? throw new IOException($"{program}: not found in PATH={searchPath}");
    }

    private static void Add(ImmutableSortedDictionary<string, string>.Builder environment, ImmutableArray<string> variables)
    {
        foreach (var variable in variables)
        {
            var equals = variable.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0) environment[variable[..equals]] = variable[(equals + 1)..];
        }
    }
}
