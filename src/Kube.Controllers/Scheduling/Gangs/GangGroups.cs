using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>A group of pods as the scheduler found it.</summary>
/// <param name="Object">Null when there is none of this name.</param>
/// <param name="Kind">The kind of <paramref name="Object"/>.</param>
internal sealed record Gang(IGangBackend Backend, string Key, KubeObject? Object, ResourceKind Kind);

/// <summary>
/// The groups of all back ends whose kinds are served. Reads come from the scheduler's thread, changes from the watches' own.
/// </summary>
internal sealed class GangGroups
{
    private readonly Lock _gate = new();
    private readonly List<(IGangBackend Backend, ResourceKind Kind, Store<KubeObject> Store)> _groups = [];
    private readonly List<(IGangBackend Backend, ResourceKind Kind, Store<KubeObject> Store)> _queues = [];

    /// <param name="changed">Called for each change of a group or queue, with the group's kind and key; on the watch's thread.</param>
    public GangGroups(ClusterCaches caches, ServedKinds kinds, Action<ResourceKind, ObjectKey> changed, TimeProvider time)
    {
        Loop = new CustomKindWatches<KubeObject>("reflector/pod-groups", caches, kinds, static o => o, (kind, store) => Attach(kind, store, changed), time, IsMine);
    }

    public ILoop Loop { get; }

    private static bool IsMine(ResourceKind kind) => GangBackends.All.Any(b => b.IsGroup(kind) || b.IsQueue(kind));

    private IDisposable Attach(ResourceKind kind, Store<KubeObject> store, Action<ResourceKind, ObjectKey> changed)
    {
        var backend = GangBackends.All.First(b => b.IsGroup(kind) || b.IsQueue(kind));
        var list = backend.IsGroup(kind) ? _groups : _queues;
        lock (_gate) list.Add((backend, kind, store));
        var following = store.Subscribe(change => changed(kind, change.Key));
        return new Attachment(() =>
        {
            following.Dispose();
            lock (_gate) list.RemoveAll(g => g.Store == store);
        });
    }

    /// <summary>The pod's group, which may not exist (yet); null for a pod that names none, or one of a back end that is not installed.</summary>
    public Gang? Of(PodView pod)
    {
        Gang? missing = null;
        lock (_gate)
        {
            foreach (var (backend, kind, store) in _groups)
            {
                if (backend.GroupOf(pod) is not { } name) continue;
                if (store.Find(new ObjectKey(pod.Meta.Namespace, name)) is { } found) return new Gang(backend, GangBackends.Key(pod.Meta.Namespace, name), found, kind);
                missing ??= new Gang(backend, GangBackends.Key(pod.Meta.Namespace, name), null, kind);
            }
        }

        return missing;
    }

    public KubeObject? Find(ResourceKind kind, ObjectKey key)
    {
        lock (_gate) return _groups.Find(g => g.Kind == kind).Store?.Find(key);
    }

    /// <summary>True also where the back end's queues are not installed: then nobody can have made one.</summary>
    public bool HasQueue(IGangBackend backend, string queue)
    {
        lock (_gate)
        {
            var queues = _queues.Where(q => q.Backend == backend).ToImmutableArray();
            return queue.Length == 0 || queues.IsEmpty || queues.Any(q => q.Store.Find(new ObjectKey("", queue)) is { } found && found.Root.Text("status", "state") is not "Closed");
        }
    }

    private sealed class Attachment(Action detach) : IDisposable
    {
        public void Dispose() => detach();
    }
}
