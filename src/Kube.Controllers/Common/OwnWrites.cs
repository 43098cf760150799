using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// What a controller wrote for one key and its stores have yet to show. A pass that waits for it never decides on a view
/// that lags behind the pass before: so nothing is made twice, and no write meets a conflict with oneself.
/// </summary>
internal sealed class OwnWrites
{
    // A server whose resourceVersions cannot be compared, or a watch that is down, must not hold a controller up for good.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Dictionary<ResourceKind, ulong> _written = [];
    private readonly HashSet<string> _deleted = new(StringComparer.Ordinal);

    public DateTimeOffset AwaitedUntil { get; private set; }

    public void Add(ResourceKind kind, KubeObject written, DateTimeOffset now)
    {
        if (!ulong.TryParse(written.Meta.ResourceVersion, out var version)) return;
        _written[kind] = Math.Max(version, _written.GetValueOrDefault(kind));
        AwaitedUntil = now + Patience;
    }

    /// <summary>The server has taken the deletion of the object with this UID.</summary>
    public void AddDeletion(string uid) => _deleted.Add(uid);

    public bool IsDeleted(string uid) => _deleted.Contains(uid);

    /// <summary>Forgets the deletions of what is gone.</summary>
    public void KeepDeletions(IEnumerable<string> present)
    {
        if (_deleted.Count > 0) _deleted.IntersectWith(present);
    }

    /// <summary>Whether the stores show all of it, or were waited for long enough.</summary>
    /// <param name="seenUpTo">The resourceVersion up to which a kind's changes were taken in.</param>
    public bool AreSeen(Func<ResourceKind, string?> seenUpTo, DateTimeOffset now)
    {
        if (_written.Count == 0) return true;
        foreach (var (kind, version) in _written)
        {
            if (now < AwaitedUntil && !(ulong.TryParse(seenUpTo(kind), out var seen) && seen >= version)) return false;
        }

        _written.Clear();
        return true;
    }
}
