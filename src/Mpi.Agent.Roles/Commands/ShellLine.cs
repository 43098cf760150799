using System.Collections.Immutable;

namespace Mpi.Agent.Roles;

/// <summary>
/// What a command line for a remote shell asks for. Launchers of MPI send shell syntax, of which they use little: read here,
/// it needs no shell in the worker's image.
/// </summary>
public abstract record ShellLine
{
    private ShellLine() { }

    /// <summary>One program, to be started without a shell.</summary>
    /// <param name="Argv">At least one word; the first is searched in the command's <c>PATH</c> unless it has a slash.</param>
    /// <param name="Environment">What the line exports over the surroundings.</param>
    /// <param name="Directory">Where a leading <c>cd</c> goes; null stays.</param>
    public sealed record Command(ImmutableArray<string> Argv, ImmutableSortedDictionary<string, string> Environment, string? Directory) : ShellLine
    {
        public bool Equals(Command? other) =>
            other is not null && Directory == other.Directory && Argv.AsSpan().SequenceEqual(other.Argv.AsSpan()) && Environment.SequenceEqual(other.Environment);

        public override int GetHashCode() => Argv.Length;
    }

    /// <summary>More than is read here; <paramref name="Why"/> names it.</summary>
    public sealed record NeedsShell(string Why) : ShellLine;

    /// <summary>Reads a line as POSIX' <c>sh -c</c> would, or says why only a shell can.</summary>
    /// <param name="variable">The environment that the line is read in, which is the worker's.</param>
    /// <param name="hasProfile">Whether <c>./.profile</c> can be read there: Open MPI sources it where the user's shell is <c>sh</c>.</param>
    public static ShellLine Read(string line, Func<string, string?> variable, bool hasProfile)
    {
        // Open MPI 4 (plm_rsh) for users of sh and ksh: "( test ! -r ./.profile || . ./.profile; COMMAND )".
        const string profilePrefix = "( test ! -r ./.profile || . ./.profile;";
        var trimmed = line.Trim(' ');
        if (!hasProfile && trimmed.StartsWith(profilePrefix, StringComparison.Ordinal) && trimmed.EndsWith(')')) trimmed = trimmed[profilePrefix.Length..^1];
        return new ShellReader(trimmed, variable).Read();
    }
}
