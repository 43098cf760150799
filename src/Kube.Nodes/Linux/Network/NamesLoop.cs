using System.Text.Json;
using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>Keeps every pod's hosts file true while pods and Services come and go.</summary>
internal sealed class NamesLoop(PodsLoop pods, WatchedObjects services, WatchedObjects slices, string clusterDomain, TimeProvider time) : ILoop
{
    private readonly Signal _signal = new(time);
    private readonly Dictionary<string, string> _written = new(StringComparer.Ordinal);
    private bool _stale;

    public string Name => "node-names";

    public void Changed()
    {
        _stale = true;
        _signal.Raise();
    }

    /// <summary>Writes all files now: a pod's names are complete before its first container starts.</summary>
    public void Write()
    {
        _stale = false;
        var all = pods.Workers.Where(static w => w.Address is not null).Select(static w => (Worker: w, Names: PodNames.Read(w.Pod, w.Address))).ToList();
        var known = all.ConvertAll(static p => p.Names);
        var served = services.All.Select(Service).ToList();
        foreach (var (worker, names) in all)
        {
            var text = PodNames.Hosts(names, known, served, clusterDomain);
            if (_written.GetValueOrDefault(worker.Meta.Uid) == text || worker.Sandbox is not { } sandbox) continue;
            SandboxFiles.Replace($"{sandbox.Files}/names/hosts", text);
            _written[worker.Meta.Uid] = text;
        }

        foreach (var gone in _written.Keys.Where(uid => pods.Find(uid)?.Address is null).ToList()) _written.Remove(gone);
    }

    public ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        if (!_stale) return ValueTask.FromResult(false);
        Write();
        return ValueTask.FromResult(true);
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => _signal.WaitAsync(null, cancellation);

    private PodNames.Service Service(KubeObject service)
    {
        var address = service.Root.Text("spec", "clusterIP") ?? "";
        if (address.Length > 0 && address != "None") return new PodNames.Service(service.Meta.Namespace, service.Meta.Name, [address]);
        var ready = slices.All
            .Where(s => s.Meta.Namespace == service.Meta.Namespace && s.Meta.Labels.GetValueOrDefault("kubernetes.io/service-name") == service.Meta.Name)
            .SelectMany(static s => s.Root.Items("endpoints"))
            .Where(static e => e.Flag("conditions", "ready") ?? true)
            .SelectMany(static e => e.Items("addresses"))
            .Where(static a => a.ValueKind == JsonValueKind.String)
            .Select(static a => a.GetString()!)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);
        return new PodNames.Service(service.Meta.Namespace, service.Meta.Name, [.. ready]);
    }
}
