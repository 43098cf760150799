using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mpi.Model;
using Mpi.Planning;

namespace Mpi.Operator;

/// <summary>What an operator takes from outside besides its settings.</summary>
public sealed record OperatorParts
{
    /// <summary>Not limited in rate: the server's own fairness decides.</summary>
    public required IKubeClient Client { get; init; }

    /// <summary>
    /// The dialects whose jobs it works on, each of a kind of its own. The cluster must serve the first one's kind; the others are watched
    /// where it serves them, and as soon as it does.
    /// </summary>
    public required ImmutableArray<IDialect> Dialects { get; init; }
    /// <summary>Between the versions of MPIJob; needed where the options have a webhook.</summary>
    public ConvertMpiJob? Convert { get; init; }

    /// <summary>The rules; pure. A simulation looks on while they decide, and shows by broken ones that it would notice.</summary>
    public Func<ObservedRun, Plan> Decide { get; init; } = Planner.Decide;

    public IKeySource Keys { get; init; } = new FreshKeySource();
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public Random Random { get; init; } = new();
    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Unique among all operators ever; it names the holder in the Lease.</summary>
    public required string Identity { get; init; }
}

/// <summary>
/// One operator, put together: its loops, not yet running. <see cref="OperatorHost"/> runs them in a program; a simulation
/// steps them. Dropping it is a crash; another one starts with nothing in memory and goes on where this one was.
/// </summary>
public sealed partial class OperatorProcess : IAsyncDisposable
{
    private readonly ImmutableArray<WatchedDialect> _dialects;
    private readonly ILogger _log;

    /// <exception cref="ArgumentException">The options are at fault; the message names every fault.</exception>
    public OperatorProcess(OperatorOptions options, OperatorParts parts)
    {
        if (options.Validate() is { IsEmpty: false } faults) throw new ArgumentException(FieldError.Aggregate(faults), nameof(options));
        _log = parts.Loggers.CreateLogger("Mpi.Operator");
        var (time, random) = (parts.Time, parts.Random);

        Elector = options.LeaderElection ? new LeaderElector(parts.Client, options.Lease, parts.Identity, time, random, _log) : null;
        ILeadership leadership = Elector is null ? SoleLeader.Instance : Elector;
        Metrics = new OperatorMetrics(() => leadership.MayWrite(out _));
        var client = new FencedClient(parts.Client, leadership, time, options.RequestTimeout);

        var events = new EventRecorder(client, time, random, _log);
        _dialects = [.. parts.Dialects.Select((dialect, i) => new WatchedDialect(dialect, required: i == 0, options, parts, client, events, Metrics, LogWatch, LogFailure, _log))];

        IEnumerable<ITimedLoop> workers = _dialects.SelectMany(static d => d.Controllers);
        if (options.Conversion is { } conversion)
        {
            var convert = parts.Convert ?? throw new ArgumentException("a webhook needs a conversion", nameof(parts));
            Conversion = new ConversionWebhook(conversion, parts.Client, convert, time, random, _log);
            workers = workers.Append(new StorageMigrationLoop(client, parts.Dialects[0].Kind, Conversion, time, random, _log));
        }

        Workers = [.. Elector is null ? workers : workers.Select(ILoop (loop) => new LeaderOnlyLoop(loop, Elector))];
        Health = new OperatorHealth(
            Elector, () => _dialects.SelectMany(static d => d.Unsynced).Distinct().Select(static kind => $"{kind} are not listed yet").Concat(Conversion?.Obstacles ?? []), options.Lease.Duration);
    }

    /// <summary>Null where the options ask for no election.</summary>
    public LeaderElector? Elector { get; }

    public OperatorMetrics Metrics { get; }
    public OperatorHealth Health { get; }

    /// <summary>The webhook between the versions of MPIJob, which every replica serves, leading or not; null where the options have none.</summary>
    public ConversionWebhook? Conversion { get; }

    /// <summary>The loops that run whoever leads: they fill the stores, and keep the webhook.</summary>
    public IReadOnlyList<ILoop> Watchers => [.. _dialects.SelectMany(static d => d.Watchers), .. Conversion?.Loops ?? []];

    /// <summary>The loops that work on jobs; only they write about jobs.</summary>
    public IReadOnlyList<ILoop> Workers { get; }

    /// <summary>All loops.</summary>
    public IEnumerable<ILoop> Loops => [.. Elector is null ? [] : (ILoop[])[Elector], .. Watchers, .. Workers];

    public async ValueTask DisposeAsync()
    {
        Metrics.Dispose();
        if (Conversion is not null) await Conversion.DisposeAsync();
        foreach (var dialect in _dialects) await dialect.DisposeAsync();
    }

    private void LogFailure(ObjectKey job, Exception cause, TimeSpan wait) => LogRetry(job, cause.Message, wait.TotalSeconds);

    [LoggerMessage(140, LogLevel.Warning, "watch of {Trouble}")]
    private partial void LogWatch(string trouble);

    [LoggerMessage(141, LogLevel.Warning, "{Job}: {Trouble}; again in {Seconds} s")]
    private partial void LogRetry(ObjectKey job, string trouble, double seconds);
}
