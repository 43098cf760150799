using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Lets a node offer the devices and huge pages that pods ask for and that it does not have, so that manifests written for a cluster with them
/// run here unchanged: as much as all pods ask for at once. Where an amount was set, that one is offered, and pods that ask for more stay
/// Pending, as on a cluster. Offered by a patch of the Node's status, the documented way for resources that no device plugin announces.
/// </summary>
public sealed class PretendedResources : ITimedLoop, IAsyncDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);

    /// <summary>What every node has by itself.</summary>
    private static readonly ImmutableHashSet<string> Own = ["cpu", "memory", "pods", "storage", "ephemeral-storage"];

    private readonly IKubeClient _client;
    private readonly PretendedResourcesOptions _options;
    private readonly TimeProvider _time;
    private readonly Store<Ask> _asks;
    private readonly Reflector<Ask> _reflector;
    private readonly Signal _changed;
    private readonly Dictionary<string, Quantity> _offered = new(StringComparer.Ordinal);
    private bool _begun;
    private DateTimeOffset? _retryAt;

    /// <summary>What one pod asks for; compared by reference, since it is made anew when the pod changes.</summary>
    private sealed class Ask(ImmutableArray<(string Resource, Quantity Amount)> amounts)
    {
        public ImmutableArray<(string Resource, Quantity Amount)> Amounts => amounts;
    }

    public PretendedResources(IKubeClient client, PretendedResourcesOptions options, TimeProvider time, Random random)
    {
        (_client, _options, _time) = (client, options, time);
        _changed = new Signal(time);
        _asks = new Store<Ask>(Read);
        _asks.Subscribe(_ => _changed.Raise());
        _reflector = new Reflector<Ask>(client, Kinds.Pod, ns: null, _asks, new ReflectorOptions(), time, random);
        Loops = [_reflector, this];
    }

    public ImmutableArray<ILoop> Loops { get; }

    public string Name => "controller/pretended-resources";

    public DateTimeOffset? NextDue => _begun ? _retryAt : DateTimeOffset.MinValue;

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        if (_retryAt is { } at && at > _time.GetUtcNow()) return false;
        _retryAt = null;
        var wanted = Wanted();
        _begun = true;
        if (wanted.Count == 0) return false;
        try
        {
            var amounts = wanted.Select(static w => KeyValuePair.Create(w.Key, w.Value.ToString())).ToList();
            await _client.PatchAsync(Kinds.Node, null, _options.Node, Patch.Merge(new JsonObject { ["status"] = new JsonObject { ["capacity"] = amounts.ToTree(), ["allocatable"] = amounts.ToTree() } }), "status", cancellation);
        }
        catch (Exception e) when (e is ApiException or HttpRequestException)
        {
            // The node is about to register.
            _retryAt = _time.GetUtcNow() + Retry;
            return true;
        }

        foreach (var (resource, amount) in wanted)
        {
            if (!_offered.ContainsKey(resource) && !_options.Fixed.ContainsKey(resource)) _options.Report(resource, amount);
            _offered[resource] = amount;
        }

        return true;
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => _changed.WaitAsync(_retryAt, cancellation);

    public ValueTask DisposeAsync() => _reflector.DisposeAsync();

    /// <summary>What is to be offered and is not yet. An offer is never taken back: what it was made for may come again.</summary>
    private Dictionary<string, Quantity> Wanted()
    {
        var wanted = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var (resource, amount) in _asks.Snapshot.Values.SelectMany(static a => a.Amounts))
        {
            if (!_options.Fixed.ContainsKey(resource)) wanted[resource] = wanted.GetValueOrDefault(resource) + amount;
        }

        foreach (var (resource, amount) in _options.Fixed) wanted[resource] = amount;
        foreach (var (resource, amount) in wanted.ToList())
        {
            if (_offered.TryGetValue(resource, out var offered) && offered >= amount) wanted.Remove(resource);
        }

        return wanted;
    }

    /// <returns>Null for a pod that asks for nothing of the kind here, or no more.</returns>
    private Ask? Read(KubeObject obj)
    {
        var pod = new PodView(obj);
        if (pod.IsFinished || (pod.NodeName.Length > 0 && pod.NodeName != _options.Node)) return null;
        var demand = new PodDemand(pod);
        if (_options.GoesElsewhere(demand)) return null;
        var amounts = ImmutableArray.CreateBuilder<(string, Quantity)>();
        foreach (var (resource, amount) in demand.Requests)
        {
            if (!Own.Contains(resource) && amount > 0) amounts.Add((resource, resource.StartsWith("hugepages-", StringComparison.Ordinal) ? Quantity.FromUnits(amount / 1000, QuantityForm.BinarySuffix) : Quantity.FromMilliUnits(amount)));
        }

        return amounts.Count > 0 ? new Ask(amounts.ToImmutable()) : null;
    }
}

public sealed record PretendedResourcesOptions
{
    /// <summary>The node that pretends.</summary>
    public required string Node { get; init; }

    /// <summary>Amounts that were set by a person; 0 offers none.</summary>
    public ImmutableDictionary<string, Quantity> Fixed { get; init; } = ImmutableDictionary<string, Quantity>.Empty;

    /// <summary>Whether a pod is meant for other nodes.</summary>
    public Func<PodDemand, bool> GoesElsewhere { get; init; } = static _ => false;

    /// <summary>Told once of each resource that is offered because pods ask for it, with the first amount.</summary>
    public Action<string, Quantity> Report { get; init; } = static (_, _) => { };
}
