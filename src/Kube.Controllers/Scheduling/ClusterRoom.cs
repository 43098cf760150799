using System.Collections.Immutable;
using System.Text.Json;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// What the nodes have left, kept up to date with every change. A pod that was given to a node counts from that moment on, not
/// from the moment its event arrives. All members are called under one lock, the scheduler's.
/// </summary>
internal sealed class ClusterRoom(ClusterCaches caches)
{
    private readonly SortedDictionary<string, NodeState> _nodes = new(StringComparer.Ordinal);

    // Which node holds room for a pod, by the pod's UID; and for which pods a node is being cleared.
    private readonly Dictionary<string, NodeState> _homes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (PodDemand Pod, string Node)> _nominated = new(StringComparer.Ordinal);
    private SchedulingView? _view;

    /// <summary>Goes up whenever a pod that fitted nowhere may fit.</summary>
    public long Version { get; private set; }

    /// <summary>How many pods hold room, or wait for a node that is being cleared.</summary>
    public int Pods => _homes.Count + _nominated.Count;

    public bool HasNominations => _nominated.Count > 0;

    public SchedulingView View => _view ??= new SchedulingView([.. _nodes.Values], NamespaceLabels);

    public NodeState? HomeOf(string podUid) => _homes.GetValueOrDefault(podUid);

    public bool IsHoused(string podUid) => _homes.ContainsKey(podUid);

    public void NodeChanged(StoreChange<KubeObject> change)
    {
        // A heartbeat changes nothing that matters here.
        if (change is { Old: { } old, New: { } now } && SameForPods(old, now))
        {
            _nodes[change.Key.Name].Update(now);
            return;
        }

        _view = null;
        Version++;
        if (change.New is not { } node)
        {
            _nodes.Remove(change.Key.Name);
            return;
        }

        if (_nodes.TryGetValue(change.Key.Name, out var known))
        {
            known.Update(node);
            return;
        }

        var state = _nodes[change.Key.Name] = new NodeState(node);
        foreach (var pod in caches.Pods.Store.Having(ClusterCaches.ByNode, change.Key.Name))
        {
            if (!pod.IsFinished) Take(state, new PodDemand(pod));
        }
    }

    /// <summary>Whether pods see a difference between two states of a node.</summary>
    public static bool SameForPods(KubeObject a, KubeObject b) =>
        Same(a, b, "status", "allocatable") && Same(a, b, "spec", "taints") && Same(a, b, "spec", "unschedulable") && Same(a, b, "metadata", "labels");

    private static bool Same(KubeObject a, KubeObject b, string part, string member)
    {
        var (x, y) = (a.Root.At(part, member), b.Root.At(part, member));
        return x.ValueKind == JsonValueKind.Undefined || y.ValueKind == JsonValueKind.Undefined ? x.ValueKind == y.ValueKind : JsonElement.DeepEquals(x, y);
    }

    /// <returns>Whether room has appeared.</returns>
    public bool PodChanged(StoreChange<PodView> change)
    {
        var freed = false;
        if (change.Old is { } old && (change.New is not { IsFinished: false } || change.New.Meta.Uid != old.Meta.Uid))
        {
            freed = Release(old.Meta.Uid);
            freed |= _nominated.Remove(old.Meta.Uid);
        }

        if (change.New is { IsFinished: false, NodeName.Length: > 0 } bound)
        {
            _nominated.Remove(bound.Meta.Uid);
            if (_nodes.TryGetValue(bound.NodeName, out var home) && _homes.GetValueOrDefault(bound.Meta.Uid) != home)
            {
                Release(bound.Meta.Uid);
                Take(home, new PodDemand(bound));
                // One that others wait to be near.
                Version++;
            }
        }

        if (freed) Version++;
        return freed;
    }

    public void Take(NodeState node, PodDemand pod)
    {
        node.Take(pod);
        _homes[pod.Pod.Meta.Uid] = node;
        if (!pod.AntiAffinity.IsEmpty) _view = null;
    }

    public bool Release(string podUid)
    {
        if (!_homes.Remove(podUid, out var node)) return false;
        node.Release(podUid);
        return true;
    }

    public void Nominate(PodDemand pod, string node) => _nominated[pod.Pod.Meta.Uid] = (pod, node);

    public void ForgetNomination(string podUid) => _nominated.Remove(podUid);

    public NodeState? NominatedNode(string podUid) => _nominated.TryGetValue(podUid, out var nomination) ? _nodes.GetValueOrDefault(nomination.Node) : null;

    /// <summary>Decides while the room that is being cleared for pods of the same or a higher priority counts as theirs.</summary>
    public T WithNominations<T>(PodDemand pod, Func<T> decide)
    {
        if (_nominated.Count == 0) return decide();
        var taken = new List<(NodeState Node, string Uid)>();
        foreach (var (uid, (other, name)) in _nominated)
        {
            if (uid == pod.Pod.Meta.Uid || other.Priority < pod.Priority || !_nodes.TryGetValue(name, out var node) || node.Holds(uid)) continue;
            node.Take(other);
            taken.Add((node, uid));
        }

        try
        {
            return decide();
        }
        finally
        {
            foreach (var (node, uid) in taken) node.Release(uid);
        }
    }

    private IReadOnlyDictionary<string, string> NamespaceLabels(string ns) =>
        caches.Namespaces.Store.Find(new ObjectKey("", ns))?.Meta.Labels ?? ImmutableDictionary<string, string>.Empty;
}
