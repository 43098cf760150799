using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;

namespace Mpi.Operator;

public enum LeaderState
{
    /// <summary>Another process leads, or none does yet.</summary>
    Standby,

    /// <summary>This process leads.</summary>
    Leading,

    /// <summary>It led and could not renew in time. Final: the process ends, and starts anew with empty memory.</summary>
    Lost,

    /// <summary>It gave the lease back on its way out. Final.</summary>
    Released,
}

/// <summary>
/// Holds the operator's Lease. A leader renews each <see cref="LeaseOptions.RetryPeriod"/>; when it has not succeeded for
/// that plus <see cref="LeaseOptions.RenewDeadline"/> it writes nothing more, well before a candidate may take over
/// (<see cref="LeaseOptions.Duration"/>). Spans are measured by the monotonic clock, so that a clock set back or forward
/// neither shortens nor lengthens a term, and other processes' times are compared for change only.
/// </summary>
public sealed partial class LeaderElector : ITimedLoop, ILeadership
{
    private readonly IKubeClient _client;
    private readonly LeaseOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger _log;
    private readonly Signal _wake;
    private readonly TaskCompletionSource _leading = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private KubeObject? _lease;
    private LeaseRecord? _observed;
    private long _observedAt;
    private long _renewedAt;
    private long _nextTry;
    private volatile LeaderState _state;

    /// <param name="identity">Unique among all processes ever: the old operator's form is <c>hostname_uuid</c>.</param>
    public LeaderElector(IKubeClient client, LeaseOptions options, string identity, TimeProvider time, Random random, ILogger log)
    {
        _client = client;
        _options = options;
        Identity = identity;
        _time = time;
        _random = random;
        _log = log;
        _wake = new Signal(time);
        _nextTry = time.GetTimestamp();
    }

    public string Name => "leader-election";
    public string Identity { get; }
    public LeaderState State => _state;

    /// <summary>Completes when this process first leads.</summary>
    public Task Leading => _leading.Task;

    /// <summary>Completes when this process led and does so no more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>How long the last successful renewal is ago; null while this process does not lead.</summary>
    public TimeSpan? SinceRenewal => _state == LeaderState.Leading ? _time.GetElapsedTime(Interlocked.Read(ref _renewedAt)) : null;

    public bool MayWrite(out TimeSpan timeLeft)
    {
        var since = _time.GetElapsedTime(Interlocked.Read(ref _renewedAt));
        timeLeft = _options.Duration - since;
        return _state == LeaderState.Leading && since < WriteTerm;
    }

    /// <summary>How long after the start of the last successful renewal a write may still be begun.</summary>
    private TimeSpan WriteTerm => _options.RetryPeriod + _options.RenewDeadline;

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        if (_state is LeaderState.Lost or LeaderState.Released) return false;
        if (_state == LeaderState.Leading && _time.GetElapsedTime(_renewedAt) >= WriteTerm)
        {
            Lose("the lease could not be renewed in time");
            return true;
        }

        if (_time.GetTimestamp() < _nextTry) return false;
        var started = _time.GetTimestamp();
        try
        {
            using var limit = new CancellationTokenSource(_options.RenewDeadline, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
            await TryHoldAsync(started, either.Token);
        }
        catch (Exception trouble) when (IsTransient(trouble, cancellation))
        {
            // The lease that we know may be outdated, or the write may have landed unanswered: read before the next try.
            _lease = null;
            LogTrouble(trouble.Message);
        }

        // Candidates spread their tries, so that several do not collide on each release.
        var pause = _state == LeaderState.Leading ? _options.RetryPeriod : _options.RetryPeriod * (1 + 0.2 * _random.NextDouble());
        _nextTry = _time.GetTimestamp() + (long)(pause.TotalSeconds * _time.TimestampFrequency);
        return true;
    }

    public DateTimeOffset? NextDue
    {
        get
        {
            if (_state is LeaderState.Lost or LeaderState.Released) return null;
            var left = _time.GetElapsedTime(_time.GetTimestamp(), _nextTry);
            if (_state == LeaderState.Leading)
            {
                var term = WriteTerm - _time.GetElapsedTime(_renewedAt);
                if (term < left) left = term;
            }

            // A timestamp is coarser or finer than a tick: a wait that ends a fraction too early would be begun again and again.
            return _time.GetUtcNow() + (left > TimeSpan.Zero ? left + TimeSpan.FromMilliseconds(1) : TimeSpan.Zero);
        }
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => _wake.WaitAsync(NextDue, cancellation);

    /// <summary>Gives the lease back, so that the next leader need not wait for its end. Call it when no write is under way any more.</summary>
    public async Task ReleaseAsync(CancellationToken cancellation)
    {
        if (_state != LeaderState.Leading || _lease is not { } lease || _observed is not { } held) return;
        End(LeaderState.Released);
        try
        {
            // client-go's form of a release: no holder, and a duration of one second.
            await _client.UpdateAsync(Kinds.Lease, (held with { Holder = "", Duration = TimeSpan.FromSeconds(1), RenewTime = _time.GetUtcNow() }).Into(lease), null, cancellation);
        }
        catch (Exception trouble) when (IsTransient(trouble, cancellation))
        {
            LogTrouble(trouble.Message);
        }
    }

    private async Task TryHoldAsync(long started, CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        var mine = new LeaseRecord(Identity, _options.Duration, now, now, 0);

        // A leader renews what it wrote last; everybody else looks first.
        if (_state != LeaderState.Leading || _lease is null)
        {
            KubeObject read;
            try
            {
                read = await _client.GetAsync(Kinds.Lease, _options.Namespace, _options.Name, cancellation);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                Hold(await _client.CreateAsync(Kinds.Lease, mine.ToLease(_options.Namespace, _options.Name), cancellation), started);
                return;
            }

            Observe(read);
        }

        var seen = _observed!;
        if (seen.Holder == Identity)
        {
            mine = mine with { AcquireTime = seen.AcquireTime ?? now, Transitions = seen.Transitions };
        }
        else if (_state == LeaderState.Leading)
        {
            Lose($"{seen.Holder} holds the lease");
            return;
        }
        else if (seen.Holder.Length > 0 && _time.GetElapsedTime(_observedAt) < seen.Duration)
        {
            return;
        }
        else
        {
            mine = mine with { Transitions = seen.Transitions + 1 };
        }

        Hold(await _client.UpdateAsync(Kinds.Lease, mine.Into(_lease!), null, cancellation), started);
    }

    private void Observe(KubeObject lease)
    {
        var record = LeaseRecord.Read(lease);
        _lease = lease;
        if (record == _observed) return;
        _observed = record;
        _observedAt = _time.GetTimestamp();
    }

    private void Hold(KubeObject lease, long started)
    {
        Observe(lease);
        // The term counts from before the request: that is the earliest moment at which candidates may have seen it.
        Interlocked.Exchange(ref _renewedAt, started);
        if (_state == LeaderState.Leading) return;
        _state = LeaderState.Leading;
        _leading.TrySetResult();
        LogLeading(Identity);
    }

    private void Lose(string why)
    {
        LogLost(why);
        End(LeaderState.Lost);
    }

    private void End(LeaderState state)
    {
        _state = state;
        _ended.TrySetResult();
        _wake.Raise();
    }

    private static bool IsTransient(Exception trouble, CancellationToken cancellation) =>
        trouble is ApiException or HttpRequestException or IOException
        || (trouble is OperationCanceledException && !cancellation.IsCancellationRequested);

    [LoggerMessage(100, LogLevel.Information, "leading as {Identity}")]
    private partial void LogLeading(string identity);

    [LoggerMessage(101, LogLevel.Error, "leadership lost: {Why}")]
    private partial void LogLost(string why);

    [LoggerMessage(102, LogLevel.Warning, "the lease could not be read or written, trying again: {Trouble}")]
    private partial void LogTrouble(string trouble);
}
