using Kube.Types;

namespace Kube.Controllers;

/// <summary>What a controller remembers of each object between passes. An object made anew under the same name starts with nothing.</summary>
internal sealed class Memories<T>(Func<T> make) where T : class
{
    private readonly Dictionary<ObjectKey, (string Uid, T Memory)> _known = [];

    public int Count => _known.Count;

    /// <param name="uid">Null: the object is gone, and what was known of it is forgotten.</param>
    public T? Of(ObjectKey key, string? uid)
    {
        if (uid is null)
        {
            _known.Remove(key);
            return null;
        }

        if (_known.TryGetValue(key, out var known) && known.Uid == uid) return known.Memory;
        var fresh = make();
        _known[key] = (uid, fresh);
        return fresh;
    }
}
