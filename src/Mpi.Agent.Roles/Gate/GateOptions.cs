using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;

namespace Mpi.Agent.Roles;

/// <summary>What a gate is asked to wait for.</summary>
public sealed record GateOptions
{
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>How the job's launcher will reach its workers, and so how they are proven.</summary>
    public GateTransport Transport { get; init; } = GateTransport.Ssh;

    /// <summary>The hostfile that MPI itself will use.</summary>
    public required string HostfilePath { get; init; }

    /// <summary>Hosts of the hostfile that are not waited for, in full or by their first label: the launcher itself, workers without sshd.</summary>
    public ImmutableArray<string> Skip { get; init; } = [];

    /// <summary>The <c>discover_hosts.sh</c> in which <see cref="Protocol.AgentContract.AllWorkersRunNotice"/> may appear, or null.</summary>
    public string? NoticePath { get; init; }

    /// <summary>Further arguments for ssh, before the host; the same that MPI was told to use.</summary>
    public ImmutableArray<string> SshArgs { get; init; } = [];

    public GatePace Pace { get; init; } = new();

    /// <summary>The hosts of a hostfile that are waited for.</summary>
    public ImmutableArray<string> Awaited(string hostfile) => Hostfile.Hosts(hostfile).RemoveAll(host => Skip.Contains(host) || Skip.Contains(Hostfile.Short(host)));

    /// <exception cref="UsageException">Names the first option that is wrong.</exception>
    public static GateOptions Parse(ReadOnlySpan<string> args)
    {
        string? transport = null, hostfile = null, notice = null;
        var skip = ImmutableArray.CreateBuilder<string>();
        var sshArgs = ImmutableArray<string>.Empty;
        var pace = new GatePace();
        for (var i = 0; i < args.Length; i += 2)
        {
            var (name, value) = (args[i], i + 1 < args.Length ? args[i + 1] : throw new UsageException($"gate: {args[i]} needs a value."));
            switch (name)
            {
                case "--transport": transport = value; break;
                case "--hostfile": hostfile = value; break;
                case "--skip": skip.Add(value); break;
                case "--notice": notice = value; break;
                case "--ssh-args": sshArgs = Words(value); break;
                case "--timeout": pace = pace with { Timeout = Duration(value) }; break;
                default: throw new UsageException($"gate: unknown option {name}.");
            }
        }

        return new GateOptions
        {
            Transport = transport switch
            {
                "ssh" => GateTransport.Ssh,
                "agent" => GateTransport.Agent,
                "exec" => GateTransport.Exec,
                _ => throw new UsageException($"gate: --transport must be ssh, agent or exec; it is {transport ?? "missing"}."),
            },
            HostfilePath = hostfile ?? throw new UsageException("gate: --hostfile is missing."),
            Skip = skip.ToImmutable(),
            NoticePath = notice,
            SshArgs = sshArgs,
            Pace = pace,
        };
    }

    /// <summary>Words of an argument string; MPI splits its <c>plm_rsh_args</c> at blanks too, and knows no quotes.</summary>
    public static ImmutableArray<string> Words(string text) => [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>A duration as Go's flags write it: <c>10m</c>, <c>1h30m</c>, <c>90s</c>, <c>500ms</c>.</summary>
    public static TimeSpan Duration(string text)
    {
        var sum = TimeSpan.Zero;
        var rest = text.AsSpan();
        while (rest.Length > 0)
        {
            var digits = rest.IndexOfAnyExcept(NumberCharacters);
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) break;
            rest = rest[digits..];
            var letters = rest.IndexOfAny(NumberCharacters);
            var unit = letters < 0 ? rest : rest[..letters];
            rest = rest[unit.Length..];
            TimeSpan? step = unit switch { "h" => TimeSpan.FromHours(1), "m" => TimeSpan.FromMinutes(1), "s" => TimeSpan.FromSeconds(1), "ms" => TimeSpan.FromMilliseconds(1), _ => null };
            if (step is null || number > 1e6) break;
            sum += step.Value * number;
            if (rest.Length == 0) return sum;
        }

        throw new UsageException($"gate: \"{text}\" is no duration such as 10m, 1h30m or 90s.");
    }
}

public enum GateTransport { Ssh, Agent, Exec }

/// <summary>The gate's times and bounds.</summary>
public sealed record GatePace
{
    /// <summary>How long to wait, counted from when all workers are known to run.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How long to go on when all that is missing fails in a way that waiting hardly heals, such as a refused key:
    /// then MPI's own error is better than silence.
    /// </summary>
    public TimeSpan HopelessTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The pause after a worker's first failed try; it doubles up to <see cref="LongestPause"/>, with jitter.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a worker's first try may take: key exchange and login on a busy node. It doubles with each try that was not enough for,</summary>
    public TimeSpan FirstLimit { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>up to what sshd itself gives a login (<c>LoginGraceTime</c>, sshd_config(5)).</summary>
    public TimeSpan LongestLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Tries under way at once.</summary>
    public int Parallelism { get; init; } = 16;

    /// <summary>Progress is printed when it changed, at most this often,</summary>
    public TimeSpan ShortestSilence { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>and again when nothing changed for so long.</summary>
    public TimeSpan LongestSilence { get; init; } = TimeSpan.FromSeconds(10);
}
