using System.Collections.Concurrent;
using Kube.Client;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Operator;

/// <summary>
/// Whether another controller of a dialect's jobs is installed: asked for by its object's name and remembered for a while. One that may not be read, or
/// of a kind that is not served, is not there.
/// </summary>
internal sealed class Rivals(IKubeReader client, TimeProvider time)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<RivalController, (bool There, DateTimeOffset Until)> _known = new();

    public async Task<bool> AreThereAsync(RivalController rival, CancellationToken cancellation)
    {
        if (_known.TryGetValue(rival, out var known) && time.GetUtcNow() < known.Until) return known.There;
        var there = false;
        try
        {
            await client.GetAsync(rival.Kind, null, rival.Name, cancellation);
            there = true;
        }
        catch (ApiException e) when (e.Status.Code is 404 or 403)
        {
            // Nobody is there, as far as one may know.
        }

        _known[rival] = (there, time.GetUtcNow() + Remembered);
        return there;
    }
}
