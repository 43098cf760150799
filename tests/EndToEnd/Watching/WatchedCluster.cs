using System.Globalization;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Planning;
using Mpi.Testing;

namespace EndToEnd;

/// <summary>
/// A local cluster, held against the rules that hold in simulation (tests/Mpi.Testing), change by change from its first one on. It only
/// watches: what a test does, and how long it takes, stays as it is.
/// </summary>
internal sealed class WatchedCluster : IAsyncDisposable
{
    private const int StoryLines = 60;

    /// <summary>How long the operator may change nothing at rest.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly KubeClient _client;
    private readonly ChangeFeed _feed;
    private readonly CancellationTokenSource _stop = new();
    private readonly ClusterView _view = new(ManifestDialects.WithOldVersions(ConversionSettings.Default));
    private readonly IReadOnlyList<Checker> _checkers;
    private readonly Queue<string> _story = new();
    private readonly Task _watching;
    private ViolationException? _broken;
    private (long Count, string Last) _operators;
    private long _seen;

    /// <param name="options">What its operator was told.</param>
    public WatchedCluster(string kubeconfig, PlanningOptions options)
    {
        _checkers = Checker.All(options);
        _client = ClusterConnection.Load(new ClusterConnectionOptions(kubeconfig), TimeProvider.System).CreateClient(KubeClientOptions.Default with { UserAgent = "looks-on" }, TimeProvider.System);
        _feed = new ChangeFeed(_client, [.. ManifestDialects.All.Select(static d => d.Kind)]);
        _watching = WatchAsync();
    }

    /// <summary>The first rule that was broken, with the story of what led there; null while all hold.</summary>
    public ViolationException? Broken
    {
        get { lock (_gate) return _broken; }
    }

    /// <summary>How many changes have been seen.</summary>
    public long Changes { get; private set; }

    /// <summary>The jobs that are there, and the last state of those that are not.</summary>
    public IReadOnlyList<JobView> Jobs
    {
        get { lock (_gate) return [.. _view.Jobs]; }
    }

    /// <summary>Waits until every job has come as far as it can and the operator has nothing left to do; that it never does breaks a rule, too.</summary>
    /// <param name="patience">Only ends the wait for a rest that does not come.</param>
    public async Task RestAsync(TimeSpan patience)
    {
        using var late = new CancellationTokenSource(patience);
        ViolationException? unrest = null;
        try
        {
            while (Broken is null && !_watching.IsCompleted)
            {
                unrest = await UnrestAsync(late.Token);
                if (unrest is null) return;
                await Task.Delay(Look, late.Token);
            }
        }
        catch (HttpRequestException)
        {
            // The cluster ended meanwhile, or will not answer: nothing is at rest there.
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested)
        {
            lock (_gate) Break(unrest ?? new ViolationException(nameof(ChangeFeed), $"change {_seen + 1} was told by no watch"));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        await _feed.DisposeAsync();
        _client.Dispose();
        _stop.Dispose();
    }

    private async Task<ViolationException?> UnrestAsync(CancellationToken cancellation)
    {
        await CatchUpAsync(cancellation);
        long before;
        lock (_gate)
        {
            if (Unrest() is { } unrest) return unrest;
            before = _operators.Count;
        }

        await Task.Delay(Rest, cancellation);
        await CatchUpAsync(cancellation);
        lock (_gate) return Unrest() ?? (_operators.Count == before ? null : new ViolationException("QuietAtRest", $"the operator still changes {_operators.Last} at rest"));
    }

    private ViolationException? Unrest()
    {
        try
        {
            foreach (var checker in _checkers) checker.Rested(_view);
            return null;
        }
        catch (ViolationException unrest)
        {
            return unrest;
        }
    }

    /// <summary>Until everything is seen that has happened by now.</summary>
    private async Task CatchUpAsync(CancellationToken cancellation)
    {
        var now = long.Parse((await _client.ListAsync(Kinds.Namespace, null, new ListOptions(Limit: 1), cancellation)).ResourceVersion, CultureInfo.InvariantCulture);
        while (Interlocked.Read(ref _seen) < now && !_watching.IsCompleted) await Task.Delay(Look, cancellation);
    }

    private async Task WatchAsync()
    {
        try
        {
            await foreach (var change in _feed.ReadAsync(_stop.Token))
            {
                lock (_gate) Take(change);
                Interlocked.Exchange(ref _seen, change.Number);
            }
        }
        catch (Exception over) when (over is OperationCanceledException or HttpRequestException)
        {
            // Nobody looks on any more, or the cluster is gone before it was seen.
        }
        catch (Exception lost)
        {
            lock (_gate) Break(new ViolationException(nameof(ChangeFeed), lost.ToString()));
        }
    }

    private void Take(NumberedChange news)
    {
        Changes++;
        var before = _view.Find(news.Kind, news.Object.Meta.Key);
        var after = news.Type == WatchEventType.Deleted ? null : news.Object;
        var change = new Change(TimeProvider.System.GetUtcNow(), Writers.Of(before, after, _view), news.Kind, before, after);
        if (before is null && after is null) return;
        _view.Apply(change);
        if (change.IsOperators && change.Kind != Kinds.Event && change.Kind != Kinds.Lease) _operators = (_operators.Count + 1, change.Object.ToString());
        if (Sentence.Of(change, _view) is { Length: > 0 } said) Tell($"{change.At:HH:mm:ss.fff} {news.Number} {said}  ({(change.Actor.Length == 0 ? "?" : change.Actor)})");
        if (_broken is not null) return;
        try
        {
            foreach (var checker in _checkers) checker.Changed(change, _view);
        }
        catch (ViolationException broken)
        {
            Break(broken);
        }
    }

    private void Tell(string line)
    {
        if (_story.Count == StoryLines) _story.Dequeue();
        _story.Enqueue(line);
    }

    private void Break(ViolationException broken) =>
        _broken ??= new ViolationException(broken.Checker, $"{broken.Message[(broken.Checker.Length + 2)..]}{Environment.NewLine}what happened before:{Environment.NewLine}{string.Join(Environment.NewLine, _story)}");
}
