using System.Collections.Concurrent;
using Kube.Client;
using Kube.Types;
using Mpi.Planning;

namespace Mpi.Operator;

/// <summary>
/// Whether the queues that jobs name are there: asked for by name while a job waits, and remembered for a while. Where the cluster has no such kind, or the
/// operator may not look, nothing is missing as far as one may know.
/// </summary>
internal sealed class GangQueues(IKubeReader client, TimeProvider time)
{
    /// <summary>A queue that is made is noticed soon; one that was there is seldom taken away.</summary>
    private static readonly TimeSpan MissingRemembered = TimeSpan.FromSeconds(20), Remembered = TimeSpan.FromMinutes(5);

    private const int MostRemembered = 1_000;

    private readonly ConcurrentDictionary<QueueAsked, (bool Missing, DateTimeOffset Until)> _known = new();

    public async Task<bool> IsMissingAsync(QueueAsked queue, CancellationToken cancellation)
    {
        if (_known.TryGetValue(queue, out var known) && time.GetUtcNow() < known.Until) return known.Missing;
        var missing = false;
        try
        {
            await client.GetAsync(queue.Kind, null, queue.Name, cancellation);
        }
        catch (ApiException e) when (e.Status.Code is 404 or 403)
        {
            // Of a kind that is not served the answer names no object.
            missing = e.IsNotFound && e.Status.Name == queue.Name;
        }

        if (_known.Count >= MostRemembered) _known.Clear();
        _known[queue] = (missing, time.GetUtcNow() + (missing ? MissingRemembered : Remembered));
        return missing;
    }
}
