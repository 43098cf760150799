using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>Gives each pod its worker and calls the workers, one at a time: those that were woken, and those whose time has come.</summary>
internal sealed class PodsLoop(TimeProvider time) : ILoop
{
    private readonly Signal _signal = new(time);
    private readonly Lock _gate = new();
    private readonly HashSet<string> _woken = new(StringComparer.Ordinal);
    /// <summary>Replaced whole: logs and processes are asked for from other threads.</summary>
    private ImmutableDictionary<string, PodWorker> _workers = ImmutableDictionary.Create<string, PodWorker>(StringComparer.Ordinal);
    private readonly Stack<int> _freeAddresses = new();
    private readonly Dictionary<string, int> _addresses = new(StringComparer.Ordinal);
    private NodeContext? _node;
    private bool _refresh;
    private int _nextAddress;

    public string Name => "node-pods";

    /// <summary>The pods of this node, by UID.</summary>
    public IEnumerable<PodWorker> Workers => _workers.Values;

    public void Attach(NodeContext node) => _node = node;

    public PodWorker? Find(string ns, string name) => _workers.Values.FirstOrDefault(w => w.Meta.Namespace == ns && w.Meta.Name == name && !w.Gone);

    public PodWorker? Find(string uid) => _workers.GetValueOrDefault(uid);

    /// <summary>A pod of this node as the API has it; null when it is no longer there.</summary>
    public void Changed(ObjectKey key, KubeObject? pod)
    {
        // A pod of the same name may have followed the one that went: it is another pod by its UID.
        foreach (var worker in _workers.Values.Where(w => w.Meta.Key == key && w.Meta.Uid != pod?.Meta.Uid))
        {
            worker.Update(null);
            Wake(worker.Meta.Uid);
        }

        if (pod is null) return;
        if (_workers.TryGetValue(pod.Meta.Uid, out var known))
        {
            known.Update(pod);
        }
        else
        {
            var view = new PodSpecView(pod);
            int? index = view.HostNetwork || PodWorker.HasEnded(view) ? null : _freeAddresses.Count > 0 && _nextAddress >= _node!.Options.Network.Capacity ? _freeAddresses.Pop() : _nextAddress++;
            if (index is { } number) _addresses[pod.Meta.Uid] = number;
            _workers = _workers.SetItem(pod.Meta.Uid, new PodWorker(_node!, pod, index, () => Wake(pod.Meta.Uid)));
        }

        Wake(pod.Meta.Uid);
    }

    /// <summary>A ConfigMap, a Secret or a Service has changed.</summary>
    public void ReferencesChanged()
    {
        lock (_gate) _refresh = true;
        _signal.Raise();
    }

    public void Released(PodWorker worker)
    {
        if (_addresses.Remove(worker.Meta.Uid, out var index)) _freeAddresses.Push(index);
    }

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        bool refresh;
        lock (_gate)
        {
            refresh = _refresh;
            _refresh = false;
        }

        if (refresh)
        {
            foreach (var worker in _workers.Values)
            {
                await worker.RefreshAsync(cancellation);
                Wake(worker.Meta.Uid);
            }

            return true;
        }

        if (Next() is not { } next) return false;
        try
        {
            await next.SyncAsync(cancellation);
        }
        catch (Exception failed) when (failed is ApiException or HttpRequestException or SandboxException or IOException or UnauthorizedAccessException)
        {
            _node!.Report(new NodeNotice(IsWarning: true, $"pod {next.Meta.Key}: {failed.Message}"));
            next.RetryAt(time.GetUtcNow() + TimeSpan.FromSeconds(2));
        }

        if (next.Finished) _workers = _workers.Remove(next.Meta.Uid);
        return true;
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => _signal.WaitAsync(_workers.Values.Min(static w => w.RevisitAt), cancellation);

    private void Wake(string uid)
    {
        lock (_gate) _woken.Add(uid);
        _signal.Raise();
    }

    private PodWorker? Next()
    {
        lock (_gate)
        {
            while (_woken.Count > 0)
            {
                var uid = _woken.First();
                _woken.Remove(uid);
                if (_workers.TryGetValue(uid, out var woken)) return woken;
            }
        }

        var now = time.GetUtcNow();
        return _workers.Values.FirstOrDefault(w => w.RevisitAt <= now);
    }
}
