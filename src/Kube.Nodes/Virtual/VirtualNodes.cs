using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Virtual;

public sealed record VirtualNodeOptions(ImmutableArray<VirtualNodeSpec> Nodes)
{
    /// <summary>Where pods' addresses come from.</summary>
    public IPNetwork PodRange { get; init; } = IPNetwork.Parse("10.244.0.0/16");

    public IPNetwork NodeRange { get; init; } = IPNetwork.Parse("10.96.0.0/16");

    /// <summary>
    /// How often each node renews its Lease in kube-node-lease; a kubelet does it every 10 s. Null: never, so that thousands of nodes under
    /// virtual time cost nothing.
    /// </summary>
    public TimeSpan? Heartbeat { get; init; }

    public Backoff Backoff { get; init; } = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(10));

    /// <summary>Told of each failed request with the object's key and the wait that follows.</summary>
    public Action<string, Exception, TimeSpan>? OnFailure { get; init; }
}

/// <summary>
/// Any number of nodes whose pods only pretend: each does what its script says (<see cref="PodScript"/>), in the time that
/// the given provider keeps. Costs an entry and a queue place a pod, so thousands of nodes and pods fit one process.
/// </summary>
public sealed class VirtualNodes : IAsyncDisposable
{
    private readonly Dictionary<ObjectKey, Pretender> _pods = [];
    private readonly ImmutableDictionary<string, VirtualNodeSpec> _nodes;
    private readonly ImmutableDictionary<string, string> _nodeAddresses;
    private readonly NodeHeartbeats? _heartbeats;
    private readonly AddressPool _podAddresses;
    private readonly Store<PodView> _store = new(static o => new PodView(o));
    private readonly Reflector<PodView> _reflector;
    private readonly IKubeClient _client;
    private readonly Func<PodView, PodScript> _script;
    private readonly TimeProvider _time;

    private sealed class Pretender(string uid, PodStory story, string ip)
    {
        public string Uid => uid;
        public PodStory Story => story;
        public string Ip => ip;
        public PodMoment? Written { get; set; }
        public bool IsDeleted { get; set; }
    }

    /// <param name="script">What a pod does; asked once for each pod.</param>
    public VirtualNodes(IKubeClient client, VirtualNodeOptions options, Func<PodView, PodScript> script, TimeProvider time, Random random)
    {
        (_client, _script, _time) = (client, script, time);
        _nodes = options.Nodes.ToImmutableDictionary(static n => n.Name, StringComparer.Ordinal);
        var addresses = new AddressPool(options.NodeRange);
        _nodeAddresses = options.Nodes.ToImmutableDictionary(static n => n.Name, n => addresses.Hold(n.Name), StringComparer.Ordinal);
        _podAddresses = new AddressPool(options.PodRange);
        _reflector = new Reflector<PodView>(client, Kinds.Pod, ns: null, _store, new ReflectorOptions(), time, new Random(random.Next()));

        _heartbeats = options.Heartbeat is { } every ? new NodeHeartbeats(client, every, time) : null;

        var names = new WorkQueue<string>(options.Backoff, time, new Random(random.Next()));
        foreach (var node in options.Nodes) names.Add(node.Name);
        var pods = new WorkQueue<ObjectKey>(options.Backoff, time, new Random(random.Next()));
        _store.Subscribe(change =>
        {
            if (IsOurs(change.Old) || IsOurs(change.New)) pods.Add(change.Key);
        });
        var report = options.OnFailure;
        Loops =
        [
            _reflector,
            new ControllerLoop<string>("virtual-nodes/register", names, RegisterAsync, [], report is null ? null : report),
            new ControllerLoop<ObjectKey>("virtual-nodes/pods", pods, ReconcileAsync, [_reflector], report is null ? null : (key, cause, wait) => report(key.ToString(), cause, wait)),
        ];
    }

    public ImmutableArray<ILoop> Loops { get; }

    public ValueTask DisposeAsync() => _reflector.DisposeAsync();

    private bool IsOurs(PodView? pod) => pod is not null && _nodes.ContainsKey(pod.NodeName);

    private async ValueTask<Outcome> RegisterAsync(string name, CancellationToken cancellation)
    {
        if (_heartbeats?.IsBegun(name) == true) return await _heartbeats.BeatAsync(name, Status(name), cancellation);
        var tree = _nodes[name].ToTree(_nodeAddresses[name], _time.GetUtcNow());
        try
        {
            await _client.CreateAsync(Kinds.Node, KubeObject.From(tree), cancellation);
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            // From an earlier run: its status is brought up to date like a new node's.
        }

        // A create takes no status.
        var node = await _client.PatchAsync(Kinds.Node, null, name, Patch.Merge(Status(name)), "status", cancellation);
        return _heartbeats is null ? Outcome.Done : await _heartbeats.BeginAsync(node, cancellation);
    }

    private JsonObject Status(string name) => new() { ["status"] = _nodes[name].ToTree(_nodeAddresses[name], _time.GetUtcNow())["status"]!.DeepClone() };

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (_store.Find(key) is not { } pod || !IsOurs(pod))
        {
            Forget(key);
            return Outcome.Done;
        }

        var now = _time.GetUtcNow();
        var pretender = TakeUp(key, pod, now);
        var story = pretender.Story;
        if (pod.IsTerminating) story.Stop ??= (now, TimeSpan.FromSeconds(pod.Object.Root.Integer("metadata", "deletionGracePeriodSeconds") ?? 0));

        var moment = story.At(now);
        try
        {
            await WriteAsync(pod, pretender, moment, now, cancellation);
            if (moment.IsGone && !pretender.IsDeleted)
            {
                await _client.DeleteAsync(Kinds.Pod, key.Namespace, key.Name, new DeleteOptions(Uid: pod.Meta.Uid, GracePeriod: TimeSpan.Zero), cancellation);
                pretender.IsDeleted = true;
            }
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // The pod is gone, or another bears its name by now: its event is on the way.
            return Outcome.Done;
        }

        return story.NextChange(now) is { } next ? new Outcome.Requeue(next > now ? next - now : TimeSpan.Zero) : Outcome.Done;
    }

    private Pretender TakeUp(ObjectKey key, PodView pod, DateTimeOffset now)
    {
        if (_pods.TryGetValue(key, out var known) && known.Uid == pod.Meta.Uid) return known;
        Forget(key);
        // A pod that an earlier run has begun goes on from there.
        var since = pod.Status.Time("startTime") ?? now;
        return _pods[key] = new Pretender(pod.Meta.Uid, new PodStory(pod, _script(pod), since), _podAddresses.Hold(pod.Meta.Uid));
    }

    private void Forget(ObjectKey key)
    {
        if (_pods.Remove(key, out var gone)) _podAddresses.Return(gone.Uid);
    }

    private async Task WriteAsync(PodView pod, Pretender pretender, PodMoment moment, DateTimeOffset now, CancellationToken cancellation)
    {
        // What comes next is no part of what is. A pod that has ended never changes again.
        var current = moment with { Next = null, IsGone = false };
        if (current == pretender.Written || pod.IsFinished) return;
        var status = PodStatusBuilder.Build(pod, moment, pretender.Story.TakenUp, now, pretender.Ip, _nodeAddresses[pod.NodeName], pretender.Story.InitMessage);
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Meta.Uid }, ["status"] = status };
        await _client.PatchAsync(Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name, Patch.Merge(patch), "status", cancellation);
        pretender.Written = current;
    }
}
