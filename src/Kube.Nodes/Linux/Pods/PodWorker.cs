using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>
/// One pod on this node: observes, lets <see cref="PodMachine"/> decide, carries out, and writes the status last. Called by
/// the node's loop only, one call at a time; what happens in between (a process ends, a probe answers) raises the worker's
/// signal and is observed in the next call.
/// </summary>
internal sealed class PodWorker
{
    private const int RoundsAtMost = 16;
    private static readonly TimeSpan RetryMissing = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryStatus = TimeSpan.FromSeconds(1);

    private readonly NodeContext _node;
    private readonly LocalPod _pod;
    private readonly ImmutableArray<ContainerWorker> _containers;
    private readonly PodStatusWriter _status;
    private readonly int? _addressIndex;
    private readonly bool _endedBefore;
    private PodObservation _seen;
    private bool _confirmed;

    public PodWorker(NodeContext node, KubeObject pod, int? addressIndex, Action wake)
    {
        _node = node;
        _pod = new LocalPod(node, pod, wake);
        var view = _pod.Spec;
        _containers = [.. view.Containers.Select(c => new ContainerWorker(_pod, c))];
        _status = new PodStatusWriter(node, view.Status.ToTree() as JsonObject);
        _addressIndex = addressIndex;
        _seen = new PodObservation(view, Containers()) { HostAddress = _pod.HostAddress };
        if (HasEnded(view))
        {
            _endedBefore = true;
            _seen = _seen with { FinalPhase = view.Status.Text("phase"), Removed = true };
        }
    }

    /// <summary>A pod that had ended before its worker began: nothing is made for it, and its status stays as it is.</summary>
    public static bool HasEnded(PodSpecView pod) => pod.Status.Text("phase") is "Succeeded" or "Failed";

    public ObjectMeta Meta => _pod.Meta;

    public PodSpecView Pod => _pod.Spec;

    public PodSandbox? Sandbox => _pod.Sandbox;

    /// <summary>Nothing is left of the pod, neither here nor in the API.</summary>
    public bool Finished { get; private set; }

    /// <summary>The object is gone from the API: whatever still runs is killed at once.</summary>
    public bool Gone { get; private set; }

    /// <summary>When to look again without being woken.</summary>
    public DateTimeOffset? RevisitAt { get; private set; }

    /// <summary>Carrying out failed half-way: look again then.</summary>
    public void RetryAt(DateTimeOffset at) => RevisitAt = at;

    /// <summary>The pod's address while its sandbox stands.</summary>
    public string? Address => _pod.Address;

    /// <summary>The log of a container, or of its run before.</summary>
    /// <exception cref="ApiException">There is none (yet); in the kubelet's words, which people search for.</exception>
    public ContainerLog Log(string name, bool previous)
    {
        var pod = _seen with { Containers = Containers() };
        var container = Find(name) ?? throw Refusal($"container {name} is not valid for pod {Meta.Name}");
        if (container.Log(previous, PodStatus.WaitsForRestart(pod, container.Seen, PodPhase.Reported(pod))) is { } log) return log;
        if (previous) throw Refusal($"previous terminated container \"{name}\" in pod \"{Meta.Name}\" not found");
        var why = PodStatus.WaitingReason(pod, container.Seen) switch
        {
            "ErrImagePull" => "image can't be pulled",
            "ImagePullBackOff" => "trying and failing to pull image",
            var reason => reason,
        };
        throw Refusal($"container \"{name}\" in pod \"{Meta.Name}\" is waiting to start: {why}");

        static ApiException Refusal(string message) => new(new ApiStatus(400, ApiReason.BadRequest, message));
    }

    public RunningContainer? Running(string container) => Find(container)?.Running;

    /// <summary>Every container that has a process now.</summary>
    public IEnumerable<(string Container, RunningContainer Run)> Processes =>
        _containers.Select(static c => (c.Seen.View.Name, c.Running)).Where(static c => c.Running is not null).Select(static c => (c.Name, c.Running!));

    /// <summary>A newer version of the pod; null when it was deleted from the API without waiting for us.</summary>
    public void Update(KubeObject? pod)
    {
        if (pod is null) Gone = true;
        else _pod.Update(pod);
    }

    /// <summary>Something that pods refer to has changed: volumes are refreshed, and what was missing is looked for again.</summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        var now = _node.Time.GetUtcNow();
        if (_seen.SandboxHindrance is { } hindrance) _seen = _seen with { SandboxHindrance = hindrance with { RetryAt = now } };
        foreach (var container in _containers) container.RetryMissingAt(now);
        if (_pod.Volumes is null || Sandbox is null || _seen.Removed) return;
        try
        {
            await _pod.PrepareVolumesAsync(cancellation);
        }
        catch (MissingReferenceException missing)
        {
            // A running pod keeps what it has when a source goes away.
            _pod.Event(null, "Warning", "FailedMount", missing.Message);
        }
    }

    public async Task SyncAsync(CancellationToken cancellation)
    {
        if (Gone)
        {
            await AbandonAsync(cancellation);
            return;
        }

        // Finalizers may hold the object for a while yet, and change it.
        if (_confirmed)
        {
            RevisitAt = null;
            return;
        }

        if (_seen.HasSandbox && _pod.Tokens.RenewAt <= _node.Time.GetUtcNow()) await RefreshAsync(cancellation);
        for (var round = 0; round < RoundsAtMost; round++)
        {
            await ObserveAsync(cancellation);
            var decision = PodMachine.Decide(_seen, _node.Time.GetUtcNow());
            RevisitAt = decision.RevisitAt;
            if (decision.Actions.IsEmpty) break;
            foreach (var action in decision.Actions) await ActAsync(action, cancellation);
        }

        await ObserveAsync(cancellation);
        if (!_endedBefore && !await _status.WriteAsync(_seen, cancellation)) Revisit(_node.Time.GetUtcNow() + RetryStatus);
        await CleanAsync(cancellation);
        // Finalizers may hold the object for a while yet, and change it.
        if (_confirmed) return;
        if (_seen.HasSandbox && _pod.Tokens.RenewAt is { } renewAt) Revisit(renewAt);
        if (_seen.Removed && Meta.DeletionTimestamp is not null) await ConfirmDeletionAsync(cancellation);
    }

    private ContainerWorker? Find(string container) => _containers.FirstOrDefault(c => c.Seen.View.Name == container);

    private ImmutableArray<ContainerObservation> Containers() => [.. _containers.Select(static c => c.Seen)];

    private async Task ObserveAsync(CancellationToken cancellation)
    {
        foreach (var container in _containers) await container.ObserveAsync(cancellation);
        _seen = _seen with { Pod = _pod.Spec, Address = _pod.Address ?? _seen.Address, Containers = Containers() };
        if (_seen.FinalPhase is null && PodPhase.Reported(_seen) is ("Succeeded" or "Failed") and var final) _seen = _seen with { FinalPhase = final };
    }

    private async Task ActAsync(PodAction action, CancellationToken cancellation)
    {
        switch (action)
        {
            case PodAction.CreateSandbox:
                await CreateSandboxAsync(cancellation);
                break;
            case PodAction.Start start:
                Find(start.Container)!.Start(start);
                break;
            case PodAction.Stop stop:
                Find(stop.Container)!.Stop(stop);
                break;
            case PodAction.Terminate terminate:
                Find(terminate.Container)!.Terminate(terminate.KillAt);
                break;
            case PodAction.Kill kill:
                Find(kill.Container)!.Kill();
                break;
            case PodAction.Probe probe:
                Find(probe.Container)!.Probe(probe.Kind);
                break;
            case PodAction.ExceedDeadline:
                _seen = _seen with { DeadlineExceeded = true };
                _pod.Event(null, "Normal", "DeadlineExceeded", "Pod was active on the node longer than the specified deadline");
                break;
            case PodAction.Remove:
                await RemoveAsync(cancellation);
                break;
        }
    }

    private async Task CreateSandboxAsync(CancellationToken cancellation)
    {
        var now = _node.Time.GetUtcNow();
        _seen = _seen with { StartedAt = _seen.StartedAt ?? now };
        try
        {
            if (Sandbox is null)
            {
                var domain = _node.Options.ClusterDomain;
                var hostname = _pod.Spec.KernelHostname(domain);
                _pod.Sandbox = await PodSandbox.CreateAsync(_node.Cluster, Meta.Uid, hostname, _addressIndex, cancellation, PodSysctls.Script(_pod.Spec));
                SayUnmet();
                _pod.Volumes = new PodVolumes(_pod.Sandbox) { Users = UserOf };
                SandboxFiles.Write($"{_pod.Sandbox.Files}/names/hostname", hostname + "\n");
                SandboxFiles.Write($"{_pod.Sandbox.Files}/names/resolv.conf", PodNames.ResolverConfiguration(PodNames.Read(_pod.Spec, null), domain));
                _node.NamesChanged(this);
            }

            await _pod.PrepareVolumesAsync(cancellation);
            _seen = _seen with { HasSandbox = true, SandboxHindrance = null };
        }
        catch (MissingReferenceException missing)
        {
            _pod.Event(null, "Warning", "FailedMount", missing.Message);
            _seen = _seen with { SandboxHindrance = new Hindrance("ContainerCreating", missing.Message, now + RetryMissing) };
        }
        catch (SandboxException failed)
        {
            _pod.Event(null, "Warning", "FailedCreatePodSandBox", $"Failed to create pod sandbox: {failed.Message}");
            _seen = _seen with { SandboxHindrance = new Hindrance("ContainerCreating", failed.Message, now + RetryMissing) };
        }
    }

    private void SayUnmet()
    {
        var unmet = string.Join("; ", UnmetSettings.Of(_pod.Spec, _node.Cluster.Mode));
        if (unmet.Length > 0) _pod.Event(null, "Warning", "NotEnforced", $"Not carried out on this machine: {unmet}");
        if (_node.Options.PodPidsLimit is not null && !_node.Groups.CountsPids) _node.SayOnce("the limit of processes a pod is not enforced: there is no control group for it");
        if (_node.Groups.Obstacle.Length > 0 && _pod.Spec.Containers.Any(static c => ResourceLimits.Of(c).HasLimit)) _node.SayOnce($"limits of memory and CPU are not enforced: {_node.Groups.Obstacle}");
    }

    private uint? UserOf(PodSpecView pod, ContainerView container)
    {
        try
        {
            return _node.Preparation.User(pod, container, _node.Preparation.Resolve(container.Image)).User.Uid;
        }
        catch (Exception unknown) when (unknown is Images.ImageException or MissingReferenceException)
        {
            // Said when the container is started.
            return null;
        }
    }

    private async Task RemoveAsync(CancellationToken cancellation)
    {
        foreach (var container in _containers) container.Dispose();
        _node.Groups.DiscardPod(Meta.Uid);
        if (Sandbox is { } sandbox)
        {
            // First out of the names, so that no other pod finds an address where nobody is.
            _pod.Sandbox = null;
            _node.NamesChanged(this);
            await sandbox.RemoveAsync(cancellation);
        }

        _seen = _seen with { Removed = true, HasSandbox = false, FinalPhase = _seen.FinalPhase ?? PodPhase.Last(_seen) };
        _node.Released(this);
    }

    private async Task AbandonAsync(CancellationToken cancellation)
    {
        foreach (var container in _containers) container.Kill();
        await ObserveAsync(cancellation);
        if (_seen.Containers.Any(static c => c.IsAlive)) return;
        if (!_seen.Removed) await RemoveAsync(cancellation);
        Finished = true;
    }

    /// <summary>A run's files are memory: they go with the run, not with the pod.</summary>
    private async Task CleanAsync(CancellationToken cancellation)
    {
        _node.Groups.RemoveLate();
        if (Sandbox is null) return;
        var folders = _containers.SelectMany(static c => c.Leftovers).ToList();
        if (folders.Count == 0) return;
        foreach (var container in _containers) container.Leftovers.Clear();
        await _node.Cluster.RunAsync($"rm -rf {string.Join(' ', folders)}", cancellation);
    }

    private async Task ConfirmDeletionAsync(CancellationToken cancellation)
    {
        try
        {
            await _node.Client.DeleteAsync(Kinds.Pod, Meta.Namespace, Meta.Name, new DeleteOptions(Uid: Meta.Uid, GracePeriod: TimeSpan.Zero), cancellation);
        }
        catch (ApiException gone) when (gone.IsNotFound || gone.Status.Code == 409)
        {
            // Already confirmed, or another pod of the name by now.
        }

        _confirmed = true;
    }

    private void Revisit(DateTimeOffset at)
    {
        if (RevisitAt is null || at < RevisitAt) RevisitAt = at;
    }
}
