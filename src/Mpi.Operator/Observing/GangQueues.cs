using System.Collections.Concurrent;
using Kube.Client;
using Kube.Types;
using Mpi.Planning;

namespace Mpi.Operator;

/// <summary>Whether the queues that jobs name are there: asked for by name while a job waits, and remembered for a while.</summary>
internal sealed class GangQueues(IKubeReader client, TimeProvider time)
{
    /// <summary>A queue that is made is noticed soon; one that was there is seldom taken away, and rights are seldom given.</summary>
    private static readonly TimeSpan MissingRemembered = TimeSpan.FromSeconds(20), Remembered = TimeSpan.FromMinutes(5);

    private const int MostRemembered = 1_000;

    private readonly ConcurrentDictionary<QueueAsked, (QueueSighting Seen, DateTimeOffset Until)> _known = new();

    public async Task<QueueSighting> LookAsync(QueueAsked queue, CancellationToken cancellation)
    {
        if (_known.TryGetValue(queue, out var known) && time.GetUtcNow() < known.Until) return known.Seen;
        var seen = QueueSighting.There;
        try
        {
            await client.GetAsync(queue.Kind, null, queue.Name, cancellation);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Of a kind that is not served the answer names no object.
            if (e.Status.Name == queue.Name) seen = QueueSighting.Missing;
        }
        catch (ApiException e) when (e.Status.Code == 403)
        {
            seen = QueueSighting.Hidden;
        }

        if (_known.Count >= MostRemembered) _known.Clear();
        _known[queue] = (seen, time.GetUtcNow() + (seen == QueueSighting.Missing ? MissingRemembered : Remembered));
        return seen;
    }
}
