using System.Collections.Immutable;
using System.Globalization;

namespace Mpi.Dialects;

/// <summary>
/// The options of an mpirun command line that stands word by word in a manifest (one inside a shell script is not read).
/// Reading ends at the program, or at an option that is not known here: its value cannot be told from the program.
/// </summary>
internal sealed class MpirunLine
{
    private static readonly ImmutableHashSet<string> Launchers = ["mpirun", "mpiexec", "mpiexec.hydra", "mpiexec.openmpi", "mpirun.openmpi", "orterun", "prterun"];

    /// <summary>Options by the number of words that follow them, over Open MPI, MPICH and Intel MPI; with two dashes they mean the same.</summary>
    private static readonly ImmutableDictionary<string, int> Arity = new (string Options, int Words)[]
    {
        ("n np c N npernode ppn perhost ppr x env-var H host hosts hostfile machinefile machine f default-hostfile wdir wd path map-by rank-by bind-to rankfile rf prefix tag output-filename launcher launcher-exec iface report-uri timeout cpus-per-proc cpus-per-rank envlist genvlist", 1),
        ("mca gmca genv env", 2),
        ("allow-run-as-root oversubscribe nooversubscribe display-map display-allocation tag-output timestamp-output report-bindings bynode byslot v verbose q quiet l prepend-rank enable-recovery do-not-launch nolocal use-hwthread-cpus genvall genvnone envall envnone leave-session-attached tune-off", 0),
    }.SelectMany(static group => group.Options.Split(' ').Select(option => KeyValuePair.Create(option, group.Words))).ToImmutableDictionary();

    private MpirunLine(Word program, ImmutableArray<(string Option, Word At, ImmutableArray<Word> Values)> options)
    {
        Program = program;
        Options = options;
    }

    /// <summary>The word that names mpirun.</summary>
    public Word Program { get; }

    /// <summary>Options without their dashes, in order.</summary>
    public ImmutableArray<(string Option, Word At, ImmutableArray<Word> Values)> Options { get; }

    /// <summary>Null when no word of the container's command is mpirun.</summary>
    public static MpirunLine? Find(ContainerShape container)
    {
        var words = container.Words;
        var start = words.FindIndex(static w => Launchers.Contains(w.Program));
        if (start < 0) return null;

        var options = ImmutableArray.CreateBuilder<(string, Word, ImmutableArray<Word>)>();
        for (var i = start + 1; i < words.Length && words[i].Text.StartsWith('-');)
        {
            var name = words[i].Text.TrimStart('-');
            if (!Arity.TryGetValue(name, out var count) || i + count >= words.Length) break;
            options.Add((name, words[i], words.Slice(i + 1, count)));
            i += 1 + count;
        }

        return new MpirunLine(words[start], options.ToImmutable());
    }

    public bool Has(params ReadOnlySpan<string> names)
    {
        foreach (var (option, _, _) in Options)
        {
            if (names.Contains(option)) return true;
        }

        return false;
    }

    /// <summary>The number of ranks asked for, as written.</summary>
    public (Word At, string Text, long Ranks)? Ranks
    {
        get
        {
            foreach (var (option, at, values) in Options)
            {
                if (option is "n" or "np" && long.TryParse(values[0].Text, NumberStyles.None, CultureInfo.InvariantCulture, out var ranks)) return (at, at.Text, ranks);
            }

            return null;
        }
    }
}

internal static class ImmutableArrayFinding
{
    public static int FindIndex<T>(this ImmutableArray<T> items, Func<T, bool> matches)
    {
        for (var i = 0; i < items.Length; i++)
        {
            if (matches(items[i])) return i;
        }

        return -1;
    }
}
