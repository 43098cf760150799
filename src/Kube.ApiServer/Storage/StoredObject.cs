using System.Collections.Immutable;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>One state of one object, immutable: its bytes as the API serves them, and the little that is asked of many objects at once.</summary>
internal sealed class StoredObject(ObjectKey key, long revision, StoredBytes bytes, ObjectHeader header)
{
    public ObjectKey Key { get; } = key;

    /// <summary>The object's <c>resourceVersion</c>.</summary>
    public long Revision { get; } = revision;

    public StoredBytes Bytes { get; } = bytes;
    public ReadOnlyMemory<byte> Utf8 => Bytes.Utf8;
    public ObjectHeader Header { get; } = header;

    /// <summary>The same object as it is sent with a later revision: in a deletion's event.</summary>
    public StoredObject At(long revision) => new(Key, revision, Bytes.WithRevision(revision), Header);
}

/// <summary>What selectors and preconditions look at, read once when the object is written.</summary>
/// <param name="Uid">The incarnation.</param>
/// <param name="Labels">For label selectors.</param>
/// <param name="Fields">For field selectors: the values of the kind's selectable fields, by path.</param>
/// <param name="Terminating">Whether <c>deletionTimestamp</c> is set.</param>
internal sealed record ObjectHeader(string Uid, ImmutableDictionary<string, string> Labels, ImmutableDictionary<string, string> Fields, bool Terminating);

/// <summary>
/// The order of objects in lists: that of etcd's keys, <c>namespace/name</c>. So <c>a-b/x</c> stands before <c>a/x</c>,
/// because the minus sign stands before the slash.
/// </summary>
internal sealed class RegistryOrder : IComparer<StoredObject>
{
    public static readonly RegistryOrder Instance = new();

    public int Compare(StoredObject? x, StoredObject? y) => Compare(x!.Key, y!.Key);

    public static int Compare(ObjectKey x, ObjectKey y)
    {
        var (a, b) = (x.Namespace, y.Namespace);
        if (a == b) return string.CompareOrdinal(x.Name, y.Name);
        var common = Math.Min(a.Length, b.Length);
        for (var i = 0; i < common; i++)
        {
            if (a[i] != b[i]) return a[i] - b[i];
        }

        return (a.Length > common ? a[common] : '/') - (b.Length > common ? b[common] : '/');
    }
}
