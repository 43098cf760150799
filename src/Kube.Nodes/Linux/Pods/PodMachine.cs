using System.Collections.Immutable;

namespace Kube.Nodes.Linux;

/// <summary>
/// What to do for one pod: a pure function of what is observed and the time. The order of things is the kubelet's
/// (<c>computePodActions</c>): sandbox, init containers one after another, then the others all at once; restarts by policy and
/// back-off; on the way out SIGTERM, the grace period, SIGKILL.
/// </summary>
internal static class PodMachine
{
    public static PodDecision Decide(PodObservation pod, DateTimeOffset now)
    {
        var decision = new Decision(now);
        if (pod.Removed) return decision.Done();

        var leaving = pod.Pod.Meta.DeletionTimestamp is not null;
        var deadline = Deadline(pod);
        if (!leaving && deadline is { } at && pod.FinalPhase is null && !pod.DeadlineExceeded)
        {
            if (at <= now) return decision.Act(new PodAction.ExceedDeadline()).Done();
            decision.Revisit(at);
        }

        if (leaving || pod.DeadlineExceeded || pod.FinalPhase is not null)
        {
            Leave(pod, decision, leaving ? "Killing" : pod.DeadlineExceeded ? "DeadlineExceeded" : "Killing");
            return decision.Done();
        }

        if (PodPhase.Of(pod) is "Succeeded" or "Failed")
        {
            // The end is recorded in the status before anything is taken away.
            Leave(pod, decision, "Killing");
            return decision.Done();
        }

        if (!pod.HasSandbox)
        {
            if (pod.SandboxHindrance is { } hindrance && hindrance.RetryAt > now) decision.Revisit(hindrance.RetryAt);
            else decision.Act(new PodAction.CreateSandbox());
            return decision.Done();
        }

        var initialized = true;
        foreach (var container in pod.Containers.Where(static c => c.View.IsInit))
        {
            Watch(container, decision);
            if (container.View.IsSidecar ? container.HasStarted : container.Succeeded) continue;
            StartWhenDue(container, pod.Pod.RestartPolicy == "Always" || container.View.IsSidecar ? "Always" : pod.Pod.RestartPolicy == "Never" ? "Never" : "OnFailure", decision);
            // A sidecar that ended later is restarted without holding up what already runs.
            if (!(container.View.IsSidecar && AnyMainBegun(pod)))
            {
                initialized = false;
                break;
            }
        }

        if (initialized)
        {
            foreach (var container in pod.Containers.Where(static c => !c.View.IsInit))
            {
                Watch(container, decision);
                StartWhenDue(container, pod.Pod.RestartPolicy, decision);
            }
        }

        return decision.Done();
    }

    private static bool AnyMainBegun(PodObservation pod) => pod.Containers.Any(static c => !c.View.IsInit && c.State != ContainerRunState.Waiting);

    /// <summary>The deadline counts from the pod's start as the status has it.</summary>
    private static DateTimeOffset? Deadline(PodObservation pod) => pod.Pod.ActiveDeadline is { } limit && pod.StartedAt is { } start ? start + limit : null;

    private static void StartWhenDue(ContainerObservation container, string restartPolicy, Decision decision)
    {
        switch (container.State)
        {
            case ContainerRunState.Waiting:
                if (container.Hindrance is { } hindrance && hindrance.RetryAt > decision.Now) decision.Revisit(hindrance.RetryAt);
                else decision.Act(new PodAction.Start(container.View.Name, container.BackOff));
                break;
            case ContainerRunState.Ended when PodPhase.Restarts(container, restartPolicy):
                var finished = container.Termination!.FinishedAt;
                var due = container.BackOff.DueAfter(finished);
                if (container.Hindrance is { } delay && delay.RetryAt > due) due = delay.RetryAt;
                if (due > decision.Now) decision.Revisit(due);
                else decision.Act(new PodAction.Start(container.View.Name, container.BackOff.Next(finished, decision.Now)));
                break;
        }
    }

    /// <summary>Probes that are due, and what their results ask for.</summary>
    private static void Watch(ContainerObservation container, Decision decision)
    {
        if (container.State != ContainerRunState.Running) return;
        if (container.Stopping is not null)
        {
            FinishStop(container, decision);
            return;
        }

        if (container.View.Startup is not null && container.Startup.Result == false)
        {
            decision.Act(new PodAction.Stop(container.View.Name, "failed startup probe", Grace: null));
            return;
        }

        if (container.View.Liveness is not null && container.Liveness.Result == false)
        {
            decision.Act(new PodAction.Stop(container.View.Name, "failed liveness probe", Grace: null));
            return;
        }

        // Until the startup probe has succeeded, the other two wait.
        foreach (var kind in container.HasStarted ? (ReadOnlySpan<ProbeKind>)[ProbeKind.Liveness, ProbeKind.Readiness] : [ProbeKind.Startup])
        {
            if (container.View.Probe(kind) is not { } probe || container.Probe(kind) is { InFlight: true }) continue;
            var due = container.Probe(kind).LastAt is { } last ? last + probe.Period : container.StartedAt!.Value + probe.InitialDelay;
            if (due <= decision.Now) decision.Act(new PodAction.Probe(container.View.Name, kind));
            else decision.Revisit(due);
        }
    }

    /// <summary>Stops what runs; once nothing does, the sandbox goes.</summary>
    private static void Leave(PodObservation pod, Decision decision, string reason)
    {
        var alive = pod.Containers.Where(static c => c.State is ContainerRunState.Starting or ContainerRunState.Running).ToList();
        // Sidecars go last, in the reverse of their order, since the others may need them until their end.
        var main = alive.Where(static c => !c.View.IsSidecar).ToList();
        foreach (var container in main.Count > 0 ? main : [.. alive.OrderByDescending(static c => c.View.Index).Take(1)])
        {
            if (container.Stopping is null) decision.Act(new PodAction.Stop(container.View.Name, reason, pod.Pod.Grace));
            else FinishStop(container, decision);
        }

        if (alive.Count == 0) decision.Act(new PodAction.Remove());
    }

    private static void FinishStop(ContainerObservation container, Decision decision)
    {
        var stop = container.Stopping!;
        if (stop.KillSent) return;
        if (stop.At + stop.Grace <= decision.Now) decision.Act(new PodAction.Kill(container.View.Name));
        else decision.Revisit(stop.At + stop.Grace);
    }

    private sealed class Decision(DateTimeOffset now)
    {
        private readonly ImmutableArray<PodAction>.Builder _actions = ImmutableArray.CreateBuilder<PodAction>();
        private DateTimeOffset? _revisit;

        public DateTimeOffset Now => now;

        public Decision Act(PodAction action)
        {
            _actions.Add(action);
            return this;
        }

        public void Revisit(DateTimeOffset at)
        {
            if (_revisit is null || at < _revisit) _revisit = at;
        }

        public PodDecision Done() => new(_actions.ToImmutable(), _revisit);
    }
}

/// <param name="RevisitAt">When to decide again even if nothing happens.</param>
internal sealed record PodDecision(ImmutableArray<PodAction> Actions, DateTimeOffset? RevisitAt);

/// <summary>One thing to do for a pod. Results come back as observations.</summary>
internal abstract record PodAction
{
    private PodAction() { }

    public sealed record CreateSandbox : PodAction;

    /// <param name="BackOff">The container's back-off once it has been started.</param>
    public sealed record Start(string Container, BackOff BackOff) : PodAction;

    /// <param name="Grace">Null: the pod's own.</param>
    public sealed record Stop(string Container, string Reason, TimeSpan? Grace) : PodAction;

    public sealed record Kill(string Container) : PodAction;

    public sealed record Probe(string Container, ProbeKind Kind) : PodAction;

    public sealed record ExceedDeadline : PodAction;

    public sealed record Remove : PodAction;
}
