using System.Globalization;

namespace Kube.Nodes.Linux;

/// <summary>
/// One container of a pod: carries out what was decided for it, and keeps what is observed of its runs. Called by the node's loop
/// only; the work it begins goes on beside the loop and is taken in by <see cref="ObserveAsync"/>.
/// </summary>
internal sealed class ContainerWorker(LocalPod pod, ContainerView view)
{
    private static readonly TimeSpan RetryMissing = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryImage = TimeSpan.FromSeconds(10);

    private readonly Dictionary<ProbeKind, Task<ProbeResult>> _probes = [];
    private ContainerRun? _run;
    private ContainerRun? _previous;
    private Task<string?>? _preStop;
    private int _imageFailures;
    private int _runs;

    public ContainerObservation Seen { get; private set; } = new(view);

    private ContainerView View => Seen.View;

    /// <summary>The process, while the container counts as running.</summary>
    public RunningContainer? Running => Seen.State == ContainerRunState.Running ? _run?.Container : null;

    /// <summary>Folders inside the sandbox that runs have left; whoever takes them removes them.</summary>
    public List<string> Leftovers { get; } = [];

    /// <summary>
    /// The log of the run that the status calls the container's state, or its last state; null when it shows none. While the next run
    /// waits, the one that has ended is both (the kubelet's <c>validateContainerLogStatus</c>).
    /// </summary>
    /// <param name="waits">Whether the status shows the container as waiting for a restart.</param>
    public ContainerLog? Log(bool previous, bool waits)
    {
        var id = Seen.State switch
        {
            ContainerRunState.Ended when waits || !previous => Seen.Termination!.RunId,
            ContainerRunState.Running when !previous => Seen.RunId,
            // A postStart hook still runs, and the container beside it.
            ContainerRunState.Starting when !previous && _run?.Container is not null => _run.Id,
            _ => Seen.LastTermination?.RunId,
        };
        return (_run?.Id == id ? _run : _previous?.Id == id ? _previous : null)?.Log;
    }

    public void Start(PodAction.Start start)
    {
        var restart = Seen.State == ContainerRunState.Ended;
        if (restart)
        {
            _previous?.Dispose();
            _previous = _run;
        }
        else
        {
            // A try that never ran: there is no log to be kept.
            _run?.Dispose();
        }

        var name = string.Create(CultureInfo.InvariantCulture, $"{SandboxFiles.SafeName(View.Name)}-{_runs++}");
        var run = new ContainerRun($"{SandboxFiles.SafeName(pod.Meta.Uid)}-{name}", $"{pod.Sandbox!.Folder}/containers/{name}", new ContainerLog(pod.Node.Time, pod.Node.Options.Logs), start.BackOff, pod.Node.Stopping);
        _run = run;
        _preStop = null;
        Seen = Seen with
        {
            State = ContainerRunState.Starting,
            LastTermination = Seen.Termination ?? Seen.LastTermination,
            Termination = null,
            StartedAt = null,
            RestartCount = restart ? Seen.RestartCount + 1 : Seen.RestartCount,
            Hindrance = null,
            Stopping = null,
            Startup = default,
            Liveness = default,
            Readiness = default,
        };
        run.Starting = new ContainerLaunch(pod).BeginAsync(run, View);
        pod.WakeAfter(run.Starting);
    }

    /// <summary>Begins the container's end: the event, and the preStop hook where there is one and time for it.</summary>
    public void Stop(PodAction.Stop stop)
    {
        pod.Event(View, "Normal", "Killing", stop.Message);
        var now = pod.Node.Time.GetUtcNow();
        if (Running is not { } running)
        {
            // Nothing there yet that could be asked to leave.
            Seen = Seen with { Stopping = new Stop(now, stop.Grace, HookRuns: false, KillAt: now, KillSent: true) };
            _run?.Abort();
            return;
        }

        var hook = stop.Grace > TimeSpan.Zero ? View.PreStop : null;
        Seen = Seen with { Stopping = new Stop(now, stop.Grace, HookRuns: hook is not null, KillAt: null, KillSent: false) };
        if (hook is null) return;
        _preStop = LifecycleHook.RunAsync(hook.Value, View, running, pod.Node, stop.Grace, _run!.Stopping);
        pod.WakeAfter(_preStop);
    }

    /// <summary>SIGTERM; whoever does not go by then gets <see cref="Kill"/>.</summary>
    public void Terminate(DateTimeOffset killAt)
    {
        Seen = Seen with { Stopping = Seen.Stopping! with { KillAt = killAt } };
        if (_run?.Container is { } running && !running.Signal(LibC.SigTerm)) running.Kill();
    }

    public void Kill()
    {
        if (Seen.Stopping is { } stop) Seen = Seen with { Stopping = stop with { KillSent = true } };
        _run?.Abort();
    }

    public void Probe(ProbeKind kind)
    {
        if (_run?.Container is not { } running) return;
        Seen = Seen.WithProbe(kind, Seen.Probe(kind) with { InFlight = true, LastAt = pod.Node.Time.GetUtcNow() });
        var probe = Probing.RunAsync(View.Probe(kind)!, View, running, pod.Node, _run.Stopping);
        _probes[kind] = probe;
        pod.WakeAfter(probe);
    }

    /// <summary>What was missing may be there now: the next try need not wait.</summary>
    public void RetryMissingAt(DateTimeOffset at)
    {
        if (Seen.Hindrance is { Reason: "CreateContainerConfigError" } hindrance) Seen = Seen with { Hindrance = hindrance with { RetryAt = at } };
    }

    /// <summary>Takes in what has happened since the last look.</summary>
    public async Task ObserveAsync(CancellationToken cancellation)
    {
        if (_run is not { } run) return;
        var now = pod.Node.Time.GetUtcNow();
        if (Seen.State == ContainerRunState.Starting && run.Starting.IsCompleted) TakeStart(run, await run.Starting, now);
        foreach (var (kind, probe) in _probes.Where(static p => p.Value.IsCompleted).ToList())
        {
            _probes.Remove(kind);
            TakeProbe(kind, await probe);
        }

        if (_preStop is { IsCompleted: true } hook)
        {
            _preStop = null;
            if (await hook is not null && Seen.State == ContainerRunState.Running) pod.Event(View, "Warning", "FailedPreStopHook", "PreStopHook failed");
            if (Seen.Stopping is { } stop) Seen = Seen with { Stopping = stop with { HookRuns = false } };
        }

        if (Seen.State == ContainerRunState.Running && run.Container!.Ended.IsCompleted)
        {
            cancellation.ThrowIfCancellationRequested();
            TakeEnd(run, await run.Container.Ended, now);
        }
    }

    public void Dispose()
    {
        _run?.Dispose();
        _previous?.Dispose();
    }

    private void TakeStart(ContainerRun run, RunStart start, DateTimeOffset now)
    {
        switch (start)
        {
            case RunStart.Running:
                Begun(run, now);
                break;
            case RunStart.HookFailed:
                Begun(run, now);
                if (Seen.Stopping is null) Stop(new PodAction.Stop(View.Name, "FailedPostStartHook", pod.Spec.Grace));
                break;
            case RunStart.Refused refused:
                pod.Event(View, "Warning", "Failed", $"Error: {refused.Message}");
                // 128 is what the container runtime reports for a command that never ran.
                Seen = Seen with { State = ContainerRunState.Ended, RunId = run.Id, BackOff = run.BackOff, Termination = new Termination(128, "StartError", refused.Message, now, now, run.Id) };
                Discard(run);
                break;
            case RunStart.Hindered hindered:
                // There was no run: what was there before it is there again.
                Seen = Seen with
                {
                    State = Seen.LastTermination is null ? ContainerRunState.Waiting : ContainerRunState.Ended,
                    Termination = Seen.LastTermination,
                    RestartCount = Seen.LastTermination is null ? 0 : Seen.RestartCount - 1,
                    Hindrance = HindranceOf(hindered, now),
                };
                Discard(run);
                break;
        }
    }

    private void Discard(ContainerRun run)
    {
        Leftovers.Add(run.Folder);
        if (run.Group is { } group) pod.Node.Groups.Discard(group);
    }

    private void Begun(ContainerRun run, DateTimeOffset now)
    {
        _imageFailures = 0;
        Seen = Seen with { State = ContainerRunState.Running, StartedAt = now, RunId = run.Id, BackOff = run.BackOff };
        pod.WakeAfter(run.Container!.Ended);
    }

    private Hindrance HindranceOf(RunStart.Hindered hindered, DateTimeOffset now)
    {
        if (hindered.Reason != "ErrImagePull")
        {
            if (!pod.Node.Stopping.IsCancellationRequested && Seen.Stopping is null) pod.Event(View, "Warning", "Failed", $"Error: {hindered.Message}");
            return new Hindrance(hindered.Reason, hindered.Message, now + RetryMissing);
        }

        pod.Event(View, "Warning", "Failed", $"Failed to pull image \"{View.Image}\": {hindered.Message}");
        var retry = TimeSpan.FromTicks(Math.Min(RetryImage.Ticks << Math.Min(_imageFailures, 5), BackOff.Longest.Ticks));
        return ++_imageFailures == 1
            ? new Hindrance(hindered.Reason, hindered.Message, now + retry)
            : new Hindrance("ImagePullBackOff", $"Back-off pulling image \"{View.Image}\": {hindered.Message}", now + retry);
    }

    private void TakeEnd(ContainerRun run, int exitCode, DateTimeOffset now)
    {
        var message = TerminationMessage.Of(View, $"{pod.Node.Cluster.Files}{run.Folder}/termination-log", run.Log, exitCode);
        var reason = exitCode == 0 ? "Completed" : run.Group is { RanOutOfMemory: true } ? "OOMKilled" : "Error";
        Discard(run);
        Seen = Seen with
        {
            State = ContainerRunState.Ended,
            Termination = new Termination(exitCode, reason, message, Seen.StartedAt ?? now, now, run.Id),
            Stopping = null,
        };
        if (pod.Meta.DeletionTimestamp is null && run.BackOff.Delay > TimeSpan.Zero && PodPhase.Restarts(Seen, pod.Spec.RestartPolicy))
        {
            pod.Event(View, "Warning", "BackOff", $"Back-off restarting failed container {View.Name} in pod {pod.Meta.Name}_{pod.Meta.Namespace}({pod.Meta.Uid})");
        }
    }

    private void TakeProbe(ProbeKind kind, ProbeResult result)
    {
        if (View.Probe(kind) is not { } spec || Seen.State != ContainerRunState.Running) return;
        if (result.Warning is { } warning) pod.Event(View, "Warning", "ProbeWarning", $"{kind} probe warning: {warning}");
        if (result.Outcome == ProbeOutcome.Failure) pod.Event(View, "Warning", "Unhealthy", $"{kind} probe failed: {result.Output}");
        if (result.Outcome == ProbeOutcome.Error) pod.Event(View, "Warning", "Unhealthy", $"{kind} probe errored and resulted in unknown state: {result.Output}");
        Seen = Seen.WithProbe(kind, Probing.Count(Seen.Probe(kind), spec, result.Outcome));
    }
}
