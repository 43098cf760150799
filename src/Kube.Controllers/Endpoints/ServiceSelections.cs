using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Which Service selects which pods, kept with every change of either: neither is searched for the other, whose cost would grow with
/// the square of a namespace. A pod is looked at once for each set of keys that its namespace's Services select by; those sets are
/// few, however many the Services are. Any thread may call.
/// </summary>
internal sealed class ServiceSelections(Store<PodView> pods)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<KeySet>> _namespaces = new(StringComparer.Ordinal);

    /// <summary>How many Services and pods are remembered.</summary>
    public int Count
    {
        get { lock (_gate) return _namespaces.Values.SelectMany(static n => n).SelectMany(static s => s.Selections.Values).Sum(static s => s.Services.Count + s.Pods.Count); }
    }

    /// <summary>The pods that a Service selects, by name; none for a Service that this was not told of.</summary>
    public IReadOnlyList<ObjectKey> PodsOf(KubeObject service)
    {
        lock (_gate)
        {
            var (keys, values) = SelectorOf(service);
            return Find(service.Meta.Namespace, keys) is { } set && set.Selections.TryGetValue(values, out var selection) ? [.. selection.Pods] : [];
        }
    }

    /// <returns>The Services that select the pod, or did.</returns>
    public IReadOnlyList<ObjectKey> PodChanged(StoreChange<PodView> change)
    {
        lock (_gate)
        {
            var services = new List<ObjectKey>();
            foreach (var set in _namespaces.GetValueOrDefault(change.Key.Namespace, []))
            {
                var (before, after) = (set.ValuesOf(change.Old), set.ValuesOf(change.New));
                if (after is not null) services.AddRange(set.Add(after, change.Key));
                if (before is not null && before != after) services.AddRange(set.Remove(before, change.Key));
            }

            return services;
        }
    }

    public void ServiceChanged(StoreChange<KubeObject> change)
    {
        lock (_gate)
        {
            var (old, now) = (change.Old is null ? Selector.None : SelectorOf(change.Old), change.New is null ? Selector.None : SelectorOf(change.New));
            if (!now.IsNone) Add(change.Key, now);
            if (!old.IsNone && !(old.Values == now.Values && old.Keys.SequenceEqual(now.Keys))) Remove(change.Key, old);
        }
    }

    private void Add(ObjectKey service, Selector selector)
    {
        var set = Find(service.Namespace, selector.Keys);
        if (set is null)
        {
            set = new KeySet(selector.Keys);
            if (!_namespaces.TryGetValue(service.Namespace, out var sets)) _namespaces[service.Namespace] = sets = [];
            sets.Add(set);
            foreach (var pod in pods.Having(ClusterCaches.PodsByNamespace, service.Namespace))
            {
                if (set.ValuesOf(pod) is { } values) set.Add(values, pod.Meta.Key);
            }
        }

        if (set.Of(selector.Values).Services.Add(service)) set.Services++;
    }

    private void Remove(ObjectKey service, Selector selector)
    {
        if (Find(service.Namespace, selector.Keys) is not { } set || !set.Of(selector.Values).Services.Remove(service)) return;
        set.Services--;
        set.Tidy(selector.Values);
        if (set.Services > 0) return;
        var sets = _namespaces[service.Namespace];
        sets.Remove(set);
        if (sets.Count == 0) _namespaces.Remove(service.Namespace);
    }

    private KeySet? Find(string ns, string[] keys) => _namespaces.GetValueOrDefault(ns)?.Find(s => s.Keys.SequenceEqual(keys));

    private static Selector SelectorOf(KubeObject service)
    {
        var terms = service.Root.TextMap("spec", "selector").OrderBy(static t => t.Key, StringComparer.Ordinal).ToList();
        return new Selector([.. terms.Select(static t => t.Key)], Text(terms.Select(static t => t.Value)));
    }

    // No label's value has a comma in it.
    private static string Text(IEnumerable<string> values) => string.Join(',', values);

    /// <param name="Keys">In order.</param>
    /// <param name="Values">Of the keys, as one text.</param>
    private readonly record struct Selector(string[] Keys, string Values)
    {
        public static readonly Selector None = new([], "");

        /// <summary>Such a Service has its Endpoints written by somebody else.</summary>
        public bool IsNone => Keys.Length == 0;
    }

    /// <summary>The Services that select by the same keys, and the pods that have all of them.</summary>
    private sealed class KeySet(string[] keys)
    {
        public string[] Keys => keys;

        public int Services { get; set; }

        /// <summary>By the values of the keys.</summary>
        public Dictionary<string, Selection> Selections { get; } = new(StringComparer.Ordinal);

        /// <summary>Null for a pod that lacks one of the keys, which no Service selects by these.</summary>
        public string? ValuesOf(PodView? pod) =>
            pod is not null && Array.TrueForAll(keys, pod.Meta.Labels.ContainsKey) ? Text(keys.Select(k => pod.Meta.Labels[k])) : null;

        public Selection Of(string values) => Selections.TryGetValue(values, out var known) ? known : Selections[values] = new Selection();

        public IEnumerable<ObjectKey> Add(string values, ObjectKey pod)
        {
            var selection = Of(values);
            selection.Pods.Add(pod);
            return selection.Services;
        }

        public IEnumerable<ObjectKey> Remove(string values, ObjectKey pod)
        {
            var selection = Of(values);
            selection.Pods.Remove(pod);
            Tidy(values);
            return selection.Services;
        }

        public void Tidy(string values)
        {
            if (Of(values) is { Services.Count: 0, Pods.Count: 0 }) Selections.Remove(values);
        }
    }

    private sealed class Selection
    {
        public SortedSet<ObjectKey> Services { get; } = [];
        public SortedSet<ObjectKey> Pods { get; } = [];
    }
}
