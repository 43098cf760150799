using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;
using Mpi.Model;

namespace Mpi.Operator;

/// <summary>
/// One dialect's part of an operator: the watches of its jobs and of what they own, the queue of jobs to look at, and the loops that work
/// on them. Jobs of two kinds may have one name, so nothing here is shared between dialects.
/// </summary>
internal sealed class WatchedDialect : IAsyncDisposable
{
    /// <summary>A plan that met a newer world is tried again soon; a server in trouble is left alone for longer and longer.</summary>
    private static readonly Backoff KeyBackoff = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));

    private readonly JobCaches _caches;

    /// <param name="required">Whether the cluster must serve the dialect's kind; else it is watched where it does, and as soon as it does.</param>
    /// <param name="fenced">For what is written: refuses without the lease.</param>
    public WatchedDialect(
        IDialect dialect, bool required, OperatorOptions options, OperatorParts parts, IKubeClient fenced, EventRecorder events, OperatorMetrics metrics,
        Action<string> onWatchFailure, Action<ObjectKey, Exception, TimeSpan> onFailure, ILogger log)
    {
        var (time, random) = (parts.Time, parts.Random);
        var queue = new WorkQueue<ObjectKey>(KeyBackoff, time, random);
        _caches = new JobCaches(parts.Client, dialect, required, options.Namespace is { Length: > 0 } ns ? ns : null, queue, time, random, onWatchFailure);
        var applier = new PlanApplier(fenced, parts.Keys, events, metrics, dialect.Kind, options.WritesAtOnce, log);
        var controller = new MpiJobController(_caches, fenced, dialect, parts.Decide, applier, metrics, options.Planning, time, log);
        Controllers = [.. Enumerable.Range(0, options.Threadiness)
            .Select(i => new ControllerLoop<ObjectKey>($"{dialect.Kind.Kind.ToLowerInvariant()}/{i}", queue, controller.ReconcileAsync, _caches.Reflectors, onFailure))];
    }

    /// <summary>The loops that fill the stores.</summary>
    public IReadOnlyList<IReflector> Watchers => _caches.Reflectors;

    /// <summary>The loops that work on jobs.</summary>
    public IReadOnlyList<ControllerLoop<ObjectKey>> Controllers { get; }

    /// <inheritdoc cref="JobCaches.Unsynced"/>
    public IEnumerable<string> Unsynced => _caches.Unsynced;

    public ValueTask DisposeAsync() => _caches.DisposeAsync();
}
