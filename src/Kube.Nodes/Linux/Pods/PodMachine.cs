using System.Collections.Immutable;

namespace Kube.Nodes.Linux;

/// <summary>
/// What to do for one pod: a pure function of what is observed and the time. The order of things is the kubelet's
/// (<c>computePodActions</c>): sandbox, init containers one after another, then the others all at once; restarts by policy and
/// back-off; on the way out SIGTERM, the grace period, SIGKILL.
/// </summary>
internal static class PodMachine
{
    /// <summary>After SIGTERM a container has at least so long, whatever its hook has used up (<c>minimumGracePeriodInSeconds</c>).</summary>
    private static readonly TimeSpan LeastGrace = TimeSpan.FromSeconds(2);

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
            Leave(pod, decision);
            return decision.Done();
        }

        if (PodPhase.Of(pod) is "Succeeded" or "Failed")
        {
            // The end is recorded in the status before anything is taken away.
            Leave(pod, decision);
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
            Watch(pod, container, decision);
            if (container.View.IsSidecar ? container.HasStarted : container.Succeeded) continue;
            StartWhenDue(container, pod.Pod.RestartPolicy, decision);
            // A sidecar that ended later is restarted without holding up what already runs.
            if (!(container.View.IsSidecar && PodPhase.AnyMainBegun(pod)))
            {
                initialized = false;
                break;
            }
        }

        if (initialized)
        {
            foreach (var container in pod.Containers.Where(static c => !c.View.IsInit))
            {
                Watch(pod, container, decision);
                StartWhenDue(container, pod.Pod.RestartPolicy, decision);
            }
        }

        return decision.Done();
    }

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
    private static void Watch(PodObservation pod, ContainerObservation container, Decision decision)
    {
        if (container.State != ContainerRunState.Running) return;
        if (container.Stopping is not null)
        {
            FinishStop(container, container.Stopping.Grace, hasTurn: true, decision);
            return;
        }

        foreach (var kind in (ReadOnlySpan<ProbeKind>)[ProbeKind.Startup, ProbeKind.Liveness])
        {
            if (container.View.Probe(kind) is not { } probe || container.Probe(kind).Result != false) continue;
            var restarts = PodPhase.Restarts(container with { State = ContainerRunState.Ended, Termination = Killed }, pod.Pod.RestartPolicy);
            decision.Act(new PodAction.Stop(
                container.View.Name,
                $"Container {container.View.Name} failed {(kind == ProbeKind.Startup ? "startup" : "liveness")} probe{(restarts ? ", will be restarted" : "")}",
                probe.Grace ?? pod.Pod.Grace));
            return;
        }

        // Until the startup probe has succeeded, the other two wait.
        foreach (var kind in container.HasStarted ? (ReadOnlySpan<ProbeKind>)[ProbeKind.Liveness, ProbeKind.Readiness] : [ProbeKind.Startup]) ProbeWhenDue(container, kind, decision);
    }

    /// <summary>The end of a container that is about to be killed: it will not have succeeded.</summary>
    private static readonly Termination Killed = new(137, "Error", "", default, default, "");

    private static void ProbeWhenDue(ContainerObservation container, ProbeKind kind, Decision decision)
    {
        if (container.View.Probe(kind) is not { } probe || container.Probe(kind) is { InFlight: true }) return;
        var due = container.Probe(kind).LastAt is { } last ? last + probe.Period : container.StartedAt!.Value + probe.InitialDelay;
        if (due <= decision.Now) decision.Act(new PodAction.Probe(container.View.Name, kind));
        else decision.Revisit(due);
    }

    /// <summary>
    /// Stops what runs; once nothing does, the sandbox goes. All ends and hooks begin at once, but sidecars are sent SIGTERM last and in
    /// the reverse of their order, since the others may need them until their end; what is left of the grace then is theirs (KEP-753).
    /// </summary>
    private static void Leave(PodObservation pod, Decision decision)
    {
        var alive = pod.Containers.Where(static c => c.IsAlive).ToList();
        foreach (var container in alive)
        {
            if (container.Stopping is not { } stop)
            {
                decision.Act(new PodAction.Stop(container.View.Name, $"Stopping container {container.View.Name}", pod.Pod.Grace));
                continue;
            }

            // Whether it is ready still counts: its Services send it work until it says no. Only liveness is asked no more.
            if (container.HasStarted) ProbeWhenDue(container, ProbeKind.Readiness, decision);
            var hasTurn = !container.View.IsSidecar || !alive.Any(c => !c.View.IsSidecar || c.View.Index > container.View.Index);
            FinishStop(container, stop.Grace < pod.Pod.Grace ? stop.Grace : pod.Pod.Grace, hasTurn, decision);
        }

        if (alive.Count == 0) decision.Act(new PodAction.Remove());
    }

    /// <param name="grace">The grace as it is now: a second deletion may have made it shorter.</param>
    /// <param name="hasTurn">Nobody who must go first is left.</param>
    private static void FinishStop(ContainerObservation container, TimeSpan grace, bool hasTurn, Decision decision)
    {
        var stop = container.Stopping!;
        if (stop.KillSent) return;
        var over = stop.At + grace;
        if (stop.KillAt is { } killAt)
        {
            killAt -= stop.Grace - grace;
            if (killAt <= decision.Now) decision.Act(new PodAction.Kill(container.View.Name));
            else decision.Revisit(killAt);
        }
        else if (grace == TimeSpan.Zero)
        {
            decision.Act(new PodAction.Kill(container.View.Name));
        }
        else if ((hasTurn && !stop.HookRuns) || over <= decision.Now)
        {
            var least = decision.Now + LeastGrace;
            decision.Act(new PodAction.Terminate(container.View.Name, over > least ? over : least));
        }
        else
        {
            decision.Revisit(over);
        }
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

    /// <summary>Begins the end of a container: the event, the preStop hook.</summary>
    /// <param name="Message">The event's.</param>
    public sealed record Stop(string Container, string Message, TimeSpan Grace) : PodAction;

    /// <summary>SIGTERM.</summary>
    public sealed record Terminate(string Container, DateTimeOffset KillAt) : PodAction;

    public sealed record Kill(string Container) : PodAction;

    public sealed record Probe(string Container, ProbeKind Kind) : PodAction;

    public sealed record ExceedDeadline : PodAction;

    public sealed record Remove : PodAction;
}
