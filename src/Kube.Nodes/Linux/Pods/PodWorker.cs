using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Images;
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
    private const int MessageBytesAtMost = 4096;
    private const int MessageFromLogBytes = 2048;
    private const int MessageFromLogLines = 80;
    private static readonly TimeSpan RetryMissing = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryImage = TimeSpan.FromSeconds(10);

    private readonly NodeContext _node;
    private readonly Action _wake;
    private readonly Dictionary<string, Runtime> _containers = new(StringComparer.Ordinal);
    private readonly int? _addressIndex;
    private PodObservation _seen;
    private PodVolumes? _volumes;
    private JsonObject? _written;
    private bool _imageSaid;
    private readonly List<string> _leftovers = [];
    private int _runs;

    public PodWorker(NodeContext node, KubeObject pod, int? addressIndex, Action wake)
    {
        _node = node;
        _wake = wake;
        _addressIndex = addressIndex;
        var view = new PodSpecView(pod);
        _seen = new PodObservation(view, [.. view.Containers.Select(static c => new ContainerObservation(c))]) { HostAddress = node.Options.Network.Gateway.ToString() };
        foreach (var container in view.Containers) _containers[container.Name] = new Runtime();
        _written = view.Status.ToTree() as JsonObject;
        if (view.Status.Text("phase") is ("Succeeded" or "Failed") and var final) _seen = _seen with { FinalPhase = final, Removed = true };
    }

    public ObjectMeta Meta => _seen.Pod.Meta;

    public PodSpecView Pod => _seen.Pod;

    public PodSandbox? Sandbox { get; private set; }

    public int? AddressIndex => _addressIndex;

    /// <summary>Nothing is left of the pod here, and nobody asks for it any more.</summary>
    public bool Finished { get; private set; }

    /// <summary>When to look again without being woken.</summary>
    public DateTimeOffset? RevisitAt { get; private set; }

    /// <summary>Carrying out failed half-way: look again then.</summary>
    public void RetryAt(DateTimeOffset at) => RevisitAt = at;

    /// <summary>The pod's address while its sandbox stands.</summary>
    public string? Address => Sandbox is null ? null : _seen.Address;

    /// <summary>What is kept of a container beside what is observed.</summary>
    private sealed class Runtime
    {
        public ContainerRun? Run;
        public ContainerRun? Previous;
        public readonly Dictionary<ProbeKind, Task<ProbeResult>> Probes = [];
        public int ImageFailures;
    }

    /// <summary>A newer version of the pod; null when it was deleted from the API without waiting for us.</summary>
    public void Update(KubeObject? pod)
    {
        if (pod is null)
        {
            Gone = true;
            return;
        }

        _seen = _seen with { Pod = new PodSpecView(pod) };
    }

    /// <summary>The object is gone from the API: whatever still runs is killed at once.</summary>
    public bool Gone { get; private set; }

    /// <summary>Something that pods refer to has changed: volumes are refreshed, and what was missing is looked for again.</summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        var now = _node.Time.GetUtcNow();
        _seen = _seen with
        {
            SandboxHindrance = _seen.SandboxHindrance is { } s ? s with { RetryAt = now } : null,
            Containers = [.. _seen.Containers.Select(c => c.Hindrance is { Reason: "CreateContainerConfigError" } h ? c with { Hindrance = h with { RetryAt = now } } : c)],
        };
        if (_volumes is null || Sandbox is null || _seen.Removed) return;
        try
        {
            await _volumes.PrepareAsync(_seen.Pod, _node.Objects, Fields(), now, cancellation);
        }
        catch (MissingReferenceException missing)
        {
            // A running pod keeps what it has when a source goes away.
            _node.Events.Record(Meta, "", "Warning", "FailedMount", missing.Message);
        }
    }

    public async Task SyncAsync(CancellationToken cancellation)
    {
        if (Gone)
        {
            await AbandonAsync(cancellation);
            return;
        }

        for (var round = 0; round < RoundsAtMost; round++)
        {
            await ObserveAsync(cancellation);
            if (_seen.FinalPhase is null && PodPhase.Of(_seen) is ("Succeeded" or "Failed") and var final && _seen.Containers.All(static c => c.View.IsSidecar || c.State is not (ContainerRunState.Running or ContainerRunState.Starting))) _seen = _seen with { FinalPhase = final };
            var decision = PodMachine.Decide(_seen, _node.Time.GetUtcNow());
            RevisitAt = decision.RevisitAt;
            if (decision.Actions.IsEmpty) break;
            foreach (var action in decision.Actions) await ActAsync(action, cancellation);
        }

        await WriteStatusAsync(cancellation);
        await CleanAsync(cancellation);
        if (_seen.Removed && Meta.DeletionTimestamp is not null)
        {
            try
            {
                await _node.Client.DeleteAsync(Kinds.Pod, Meta.Namespace, Meta.Name, new DeleteOptions(Uid: Meta.Uid, GracePeriod: TimeSpan.Zero), cancellation);
            }
            catch (ApiException gone) when (gone.IsNotFound || gone.Status.Code == 409)
            {
                // Already confirmed, or another pod of the name by now.
            }

            Finished = true;
        }
    }

    /// <summary>The log of a container, or of its run before.</summary>
    public ContainerLog? Log(string container, bool previous) =>
        _containers.TryGetValue(container, out var runtime) ? (previous ? runtime.Previous : runtime.Run)?.Log : null;

    public RunningContainer? Running(string container) => _containers.TryGetValue(container, out var runtime) && Of(container).State == ContainerRunState.Running ? runtime.Run?.Container : null;

    /// <summary>Every run that has a process now.</summary>
    public IEnumerable<(string Container, RunningContainer Run)> Processes =>
        _containers.Where(c => c.Value.Run?.Container is not null && Of(c.Key).State == ContainerRunState.Running).Select(static c => (c.Key, c.Value.Run!.Container!));

    private async Task ActAsync(PodAction action, CancellationToken cancellation)
    {
        switch (action)
        {
            case PodAction.CreateSandbox:
                await CreateSandboxAsync(cancellation);
                break;
            case PodAction.Start start:
                Start(start);
                break;
            case PodAction.Stop stop:
                Stop(stop);
                break;
            case PodAction.Kill kill:
                _containers[kill.Container].Run?.Container?.Kill();
                Change(kill.Container, static c => c with { Stopping = c.Stopping! with { KillSent = true } });
                break;
            case PodAction.Probe probe:
                Probe(probe);
                break;
            case PodAction.ExceedDeadline:
                _seen = _seen with { DeadlineExceeded = true };
                _node.Events.Record(Meta, "", "Normal", "DeadlineExceeded", "Pod was active on the node longer than the specified deadline");
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
                Sandbox = await PodSandbox.CreateAsync(_node.Cluster, Meta.Uid, _seen.Pod.Hostname, _addressIndex, cancellation);
                _seen = _seen with { Address = Sandbox.Address.ToString() };
                _volumes = new PodVolumes(Sandbox) { Users = UserOf };
                SandboxFiles.Write($"{Sandbox.Files}/names/hostname", _seen.Pod.Hostname + "\n");
                SandboxFiles.Write($"{Sandbox.Files}/names/resolv.conf", PodNames.ResolverConfiguration(PodNames.Read(_seen.Pod, null)));
                _node.NamesChanged(this);
            }

            await _volumes!.PrepareAsync(_seen.Pod, _node.Objects, Fields(), now, cancellation);
            _seen = _seen with { HasSandbox = true, SandboxHindrance = null };
        }
        catch (MissingReferenceException missing)
        {
            _node.Events.Record(Meta, "", "Warning", "FailedMount", missing.Message);
            _seen = _seen with { SandboxHindrance = new Hindrance("ContainerCreating", missing.Message, now + RetryMissing) };
        }
        catch (SandboxException failed)
        {
            _node.Events.Record(Meta, "", "Warning", "FailedCreatePodSandBox", $"Failed to create pod sandbox: {failed.Message}");
            _seen = _seen with { SandboxHindrance = new Hindrance("ContainerCreating", failed.Message, now + RetryMissing) };
        }
    }

    private uint? UserOf(PodSpecView pod, ContainerView container)
    {
        try
        {
            return _node.Preparation.User(pod, container, _node.Preparation.Resolve(container.Image)).User.Uid;
        }
        catch (Exception unknown) when (unknown is ImageException or MissingReferenceException)
        {
            // Said when the container is started.
            return null;
        }
    }

    private DownwardFields Fields() => new(_seen.Pod, _seen.Address, _seen.HostAddress, _node.Registration.Cpus, _node.Registration.Memory);

    private void Start(PodAction.Start start)
    {
        var runtime = _containers[start.Container];
        var observed = Of(start.Container);
        var restart = observed.State == ContainerRunState.Ended;
        runtime.Previous?.Dispose();
        if (restart) runtime.Previous = runtime.Run;
        var number = _runs++;
        var id = string.Create(CultureInfo.InvariantCulture, $"{SandboxFiles.SafeName(Meta.Uid)}-{observed.View.Name}-{number}");
        var folder = string.Create(CultureInfo.InvariantCulture, $"{Sandbox!.Folder}/containers/{SandboxFiles.SafeName(observed.View.Name)}-{number}");
        var begun = new TaskCompletionSource<RunStart>(TaskCreationOptions.RunContinuationsAsynchronously);
        var run = new ContainerRun(id, folder, new ContainerLog(_node.Time, _node.Options.LogBytesAtMost), start.BackOff) { Starting = begun.Task };
        runtime.Run = run;
        Change(start.Container, c => c with
        {
            State = ContainerRunState.Starting,
            LastTermination = c.Termination ?? c.LastTermination,
            Termination = null,
            StartedAt = null,
            RestartCount = restart ? c.RestartCount + 1 : c.RestartCount,
            Hindrance = null,
            Stopping = null,
            Startup = default,
            Liveness = default,
            Readiness = default,
        });
        Forward(BeginAsync(run, observed.View), begun);
    }

    /// <summary>Runs alongside: a stand-in's build may take a while, and other pods go on meanwhile.</summary>
    private async Task<RunStart> BeginAsync(ContainerRun run, ContainerView container)
    {
        try
        {
            var image = _node.Preparation.Resolve(container.Image);
            if (!image.HasStandIn && !_imageSaid)
            {
                _imageSaid = true;
                _node.SayWithoutStandIn(container.Image);
            }

            var spec = await _node.Preparation.PrepareAsync(_seen.Pod, container, image, Sandbox!, _volumes!, _node.Objects, Fields(), run.Folder, _node.Stopping);
            _node.Events.Record(Meta, container.FieldPath, "Normal", "Pulled", $"Container image \"{container.Image}\" already present on machine");
            run.Container = RunningContainer.Start(Sandbox!, spec, run.Folder, run.Log);
            _node.Events.Record(Meta, container.FieldPath, "Normal", "Created", $"Created container: {container.Name}");
            return await run.Container.Started switch
            {
                ContainerStart.Refused { ByCommand: false } refused => new RunStart.Hindered("CreateContainerError", refused.Message),
                ContainerStart.Refused refused => new RunStart.Refused(refused.Message),
                _ => new RunStart.Running(),
            };
        }
        catch (Exception failed) when (failed is ImageException or MissingReferenceException or SandboxException or IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception or FormatException)
        {
            return RunStart.From(failed);
        }
    }

    private void Forward(Task<RunStart> task, TaskCompletionSource<RunStart> to)
    {
        _ = task.ContinueWith(
            done =>
            {
                if (done.IsFaulted) to.SetException(done.Exception.InnerExceptions);
                else if (done.IsCanceled) to.SetCanceled(CancellationToken.None);
                else to.SetResult(done.Result);
                _wake();
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private void Stop(PodAction.Stop stop)
    {
        var run = _containers[stop.Container].Run;
        var container = Of(stop.Container);
        var grace = stop.Grace ?? (stop.Reason.Contains("probe", StringComparison.Ordinal) ? ProbeGrace(container, stop.Reason) : _seen.Pod.Grace);
        _node.Events.Record(Meta, container.View.FieldPath, "Normal", "Killing", stop.Reason is "Killing" or "DeadlineExceeded" ? $"Stopping container {stop.Container}" : $"Container {stop.Container} {stop.Reason}, will be restarted");
        Change(stop.Container, c => c with { Stopping = new Stop(_node.Time.GetUtcNow(), grace, stop.Reason, KillSent: false) });
        if (run?.Container is not { } running) return;
        if (grace == TimeSpan.Zero || container.State != ContainerRunState.Running)
        {
            running.Kill();
            return;
        }

        var hook = container.View.Spec.Items("lifecycle", "preStop", "exec", "command").Where(static w => w.ValueKind == System.Text.Json.JsonValueKind.String).Select(static w => w.GetString()!).ToList();
        if (hook.Count == 0)
        {
            if (!running.Signal(LibC.SigTerm)) running.Kill();
            return;
        }

        // The hook runs within the grace period; SIGTERM follows it in any case.
        _ = running.ExecAsync(hook, grace, _node.Time, _node.Stopping).ContinueWith(
            _ =>
            {
                if (!running.Signal(LibC.SigTerm)) running.Kill();
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private TimeSpan ProbeGrace(ContainerObservation container, string reason)
    {
        var probe = reason.Contains("startup", StringComparison.Ordinal) ? container.View.Startup : container.View.Liveness;
        return probe?.Action.Integer("terminationGracePeriodSeconds") is { } own ? TimeSpan.FromSeconds(own) : _seen.Pod.Grace;
    }

    private void Probe(PodAction.Probe probe)
    {
        var runtime = _containers[probe.Container];
        if (runtime.Run?.Container is not { } running) return;
        var view = Of(probe.Container).View;
        Change(probe.Container, c => With(c, probe.Kind, c.Probe(probe.Kind) with { InFlight = true, LastAt = _node.Time.GetUtcNow() }));
        var task = Probing.RunAsync(view.Probe(probe.Kind)!, view, running, _node.Time, _node.Stopping);
        runtime.Probes[probe.Kind] = task;
        _ = task.ContinueWith(_ => _wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task RemoveAsync(CancellationToken cancellation)
    {
        foreach (var runtime in _containers.Values)
        {
            runtime.Run?.Dispose();
            runtime.Previous?.Dispose();
        }

        if (Sandbox is { } sandbox)
        {
            // First out of the names, so that no other pod finds an address where nobody is.
            Sandbox = null;
            _node.NamesChanged(this);
            await sandbox.RemoveAsync(cancellation);
        }

        _seen = _seen with { Removed = true, HasSandbox = false, FinalPhase = _seen.FinalPhase ?? FinalPhaseOf(_seen) };
        _node.Released(this);
    }

    /// <summary>A pod on its way out ends for good: containers that never ran count as failed.</summary>
    private static string FinalPhaseOf(PodObservation pod) =>
        PodPhase.Of(pod) is ("Succeeded" or "Failed") and var phase ? phase : pod.Containers.Where(static c => !c.View.IsInit).All(static c => c.Succeeded) ? "Succeeded" : "Failed";

    private async Task AbandonAsync(CancellationToken cancellation)
    {
        foreach (var runtime in _containers.Values) runtime.Run?.Container?.Kill();
        await ObserveAsync(cancellation);
        if (_seen.Containers.Any(static c => c.State is ContainerRunState.Running or ContainerRunState.Starting)) return;
        if (!_seen.Removed) await RemoveAsync(cancellation);
        Finished = true;
    }

    /// <summary>Takes in what has happened since the last look.</summary>
    private async Task ObserveAsync(CancellationToken cancellation)
    {
        foreach (var (name, runtime) in _containers)
        {
            if (runtime.Run is not { } run) continue;
            var now = _node.Time.GetUtcNow();
            if (Of(name).State == ContainerRunState.Starting && run.Starting.IsCompleted) await TakeStartAsync(name, runtime, run, now);
            foreach (var (kind, probe) in runtime.Probes.Where(static p => p.Value.IsCompleted).ToList())
            {
                runtime.Probes.Remove(kind);
                TakeProbe(name, kind, await probe);
            }

            if (Of(name).State == ContainerRunState.Running && run.Container!.Ended.IsCompleted)
            {
                cancellation.ThrowIfCancellationRequested();
                TakeEnd(name, run, await run.Container.Ended, now);
            }
        }
    }

    private async Task TakeStartAsync(string name, Runtime runtime, ContainerRun run, DateTimeOffset now)
    {
        var view = Of(name).View;
        switch (await run.Starting)
        {
            case RunStart.Running:
                runtime.ImageFailures = 0;
                Change(name, c => c with { State = ContainerRunState.Running, StartedAt = now, RunId = run.Id, BackOff = run.BackOff });
                _node.Events.Record(Meta, view.FieldPath, "Normal", "Started", $"Started container {name}");
                _ = run.Container!.Ended.ContinueWith(_ => _wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                break;
            case RunStart.Refused refused:
                _node.Events.Record(Meta, view.FieldPath, "Warning", "Failed", $"Error: {refused.Message}");
                // 128 is what the container runtime reports for a command that never ran.
                Change(name, c => c with { State = ContainerRunState.Ended, RunId = run.Id, BackOff = run.BackOff, Termination = new Termination(128, "StartError", refused.Message, now, now, run.Id) });
                break;
            case RunStart.Hindered hindered:
                var isImage = hindered.Reason == "ErrImagePull";
                runtime.ImageFailures = isImage ? runtime.ImageFailures + 1 : 0;
                var again = isImage && runtime.ImageFailures > 1;
                var retry = isImage ? TimeSpan.FromTicks(Math.Min(RetryImage.Ticks << Math.Min(runtime.ImageFailures - 1, 5), BackOff.Longest.Ticks)) : RetryMissing;
                _node.Events.Record(Meta, view.FieldPath, "Warning", "Failed", isImage ? $"Failed to pull image \"{view.Image}\": {hindered.Message}" : $"Error: {hindered.Message}");
                var hindrance = new Hindrance(again ? "ImagePullBackOff" : hindered.Reason, again ? $"Back-off pulling image \"{view.Image}\": {hindered.Message}" : hindered.Message, now + retry);
                // There was no run: what was there before it is there again.
                Change(name, c => c with { State = c.LastTermination is null ? ContainerRunState.Waiting : ContainerRunState.Ended, Termination = c.LastTermination, RestartCount = c.LastTermination is null ? 0 : c.RestartCount - 1, Hindrance = hindrance });
                break;
        }
    }

    private void TakeEnd(string name, ContainerRun run, int exitCode, DateTimeOffset now)
    {
        var container = Of(name);
        _leftovers.Add(run.Folder);
        Change(name, c => c with
        {
            State = ContainerRunState.Ended,
            Termination = new Termination(exitCode, exitCode == 0 ? "Completed" : "Error", Message(run, container.View, exitCode), c.StartedAt ?? now, now, run.Id),
            Stopping = null,
        });
        if (exitCode != 0 && PodPhase.Restarts(Of(name), container.View.IsSidecar ? "Always" : _seen.Pod.RestartPolicy) && run.BackOff.Delay > TimeSpan.Zero && Meta.DeletionTimestamp is null)
        {
            _node.Events.Record(Meta, container.View.FieldPath, "Warning", "BackOff", $"Back-off restarting failed container {name} in pod {Meta.Name}_{Meta.Namespace}({Meta.Uid})");
        }
    }

    /// <summary>What the container left at its terminationMessagePath, or if it failed and left nothing, the end of its log when so asked.</summary>
    private string Message(ContainerRun run, ContainerView view, int exitCode)
    {
        var path = _node.Cluster.Files + run.Folder + "/termination-log";
        var bytes = File.Exists(path) ? File.ReadAllBytes(path) : [];
        var text = Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, MessageBytesAtMost)));
        if (text.Length > 0 || exitCode == 0 || view.Spec.Text("terminationMessagePolicy") != "FallbackToLogsOnError") return text;
        var tail = string.Concat(run.Log.From(run.Log.Tail(MessageFromLogLines)).Select(static e => Encoding.UTF8.GetString(e.Text.Span)));
        return tail.Length <= MessageFromLogBytes ? tail : tail[^MessageFromLogBytes..];
    }

    private void TakeProbe(string name, ProbeKind kind, ProbeResult result)
    {
        var container = Of(name);
        if (container.View.Probe(kind) is not { } spec || container.State != ContainerRunState.Running) return;
        if (!result.Success) _node.Events.Record(Meta, container.View.FieldPath, "Warning", "Unhealthy", $"{kind} probe failed: {result.Output}");
        Change(name, c => With(c, kind, Probing.Count(c.Probe(kind), spec, result.Success)));
    }

    private async Task WriteStatusAsync(CancellationToken cancellation)
    {
        var status = PodStatus.Of(_seen, _written, _node.Time.GetUtcNow());
        if (JsonNode.DeepEquals(status, _written)) return;
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = Meta.Uid }, ["status"] = status.DeepClone() };
        try
        {
            await _node.Client.PatchAsync(Kinds.Pod, Meta.Namespace, Meta.Name, Patch.Merge(patch), "status", cancellation);
            _written = status;
        }
        catch (ApiException gone) when (gone.IsNotFound || gone.IsConflict)
        {
            // The pod is gone, or another of its name stands there: the watch tells which.
        }
        catch (Exception away) when (away is ApiException or HttpRequestException)
        {
            _node.Report(new NodeNotice(IsWarning: true, $"status of pod {Meta.Key}: {away.Message}"));
            var retry = _node.Time.GetUtcNow() + TimeSpan.FromSeconds(1);
            RevisitAt = RevisitAt is { } at && at < retry ? at : retry;
        }
    }

    /// <summary>A run's files are memory: they go with the run, not with the pod.</summary>
    private async Task CleanAsync(CancellationToken cancellation)
    {
        if (_leftovers.Count == 0 || Sandbox is null) return;
        var folders = string.Join(' ', _leftovers);
        _leftovers.Clear();
        await _node.Cluster.RunAsync($"rm -rf {folders}", cancellation);
    }

    private ContainerObservation Of(string name) => _seen.Containers.First(c => c.View.Name == name);

    private void Change(string name, Func<ContainerObservation, ContainerObservation> change) =>
        _seen = _seen with { Containers = [.. _seen.Containers.Select(c => c.View.Name == name ? change(c) : c)] };

    private static ContainerObservation With(ContainerObservation container, ProbeKind kind, ProbeState state) => kind switch
    {
        ProbeKind.Startup => container with { Startup = state },
        ProbeKind.Liveness => container with { Liveness = state },
        _ => container with { Readiness = state },
    };
}
