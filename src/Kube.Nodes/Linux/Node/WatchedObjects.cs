using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>The objects of one kind as last seen, whole (a ConfigMap's data), since the node needs few kinds and finds objects by name.</summary>
internal sealed class WatchedObjects : ILoop, IAsyncDisposable
{
    private readonly Store<KubeObject> _store = new(static o => o);
    private readonly Reflector<KubeObject> _reflector;

    /// <param name="changed">Called with each object that is new or changed, and with null for one that is gone.</param>
    /// <param name="report">Told why nothing is seen for a while.</param>
    public WatchedObjects(IKubeClient client, ResourceKind kind, string fieldSelector, TimeProvider time, Random random, Action<ObjectKey, KubeObject?> changed, Action<string> report)
    {
        var options = new ReflectorOptions(FieldSelector: fieldSelector)
        {
            Backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10)),
            OnFailure = (why, _) => report($"watching {kind.Plural}: {why}"),
        };
        _reflector = new Reflector<KubeObject>(client, kind, ns: null, _store, options, time, random);
        _store.Subscribe(change => changed(change.Key, change.New));
        Name = $"node-watch/{kind.Plural}";
    }

    public string Name { get; }

    public bool Synced => _reflector.HasSynced;

    public IEnumerable<KubeObject> All => _store.Snapshot.Values;

    /// <summary>Also asked by containers' starts, beside the loop.</summary>
    public KubeObject? Find(ObjectKey key) => _store.Find(key);

    public ValueTask<bool> StepAsync(CancellationToken cancellation) => _reflector.StepAsync(cancellation);

    public ValueTask WaitAsync(CancellationToken cancellation) => _reflector.WaitAsync(cancellation);

    public ValueTask DisposeAsync() => _reflector.DisposeAsync();
}
