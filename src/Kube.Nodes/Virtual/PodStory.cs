using System.Collections.Immutable;
using Kube.Types;

namespace Kube.Nodes.Virtual;

/// <summary>
/// What a pretending pod is at a given time: a pure function of the pod, its script and the times at which it was taken
/// up and told to stop. So no pod needs a timer or a thread of its own, and looking late loses nothing.
/// </summary>
internal sealed class PodStory(PodView pod, PodScript script, DateTimeOffset takenUp)
{
    // The kubelet's delays before it starts a container once more: none at first, then from 10 s doubling to 5 minutes.
    private static readonly TimeSpan FirstRestartDelay = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestRestartDelay = TimeSpan.FromMinutes(5);

    // A run that restarts its containers in no time at all would otherwise never reach the present.
    private const int RunsMax = 100_000;

    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    // When the script's condition was first seen to hold: until then the init container that waits runs.
    private DateTimeOffset? _released;

    // The runs that are over, where the script has to be asked: what it has said once stays said.
    private readonly List<ContainerRun> _ended = [];

    private readonly int _initContainers = pod.Spec.Items("initContainers").Count();

    // The place of the one that waits.
    private readonly int _waits = pod.Spec.Items("initContainers").TakeWhile(c => script.InitWaits is null || c.Text("name") != script.InitWaits).Count() - (script.InitWaits is null ? 1 : 0);

    /// <summary>When the pod was told to stop, and how long it may take. Null: not yet.</summary>
    public (DateTimeOffset At, TimeSpan Grace)? Stop { get; set; }

    public DateTimeOffset TakenUp => takenUp;

    public string InitMessage(int container) => container == _waits ? script.InitMessage?.Invoke() ?? "" : "";

    public PodMoment At(DateTimeOffset now)
    {
        var end = End(now);
        if (end is not { } over) return Living(now);

        // What the pod was when the end came decides how its containers are reported.
        var last = Living(over.At);
        var containers = last.Container switch
        {
            ContainerMoment.Running running => new ContainerMoment.Ended(running.Since, over.At, over.Run, running.Restarts, running.Last),
            ContainerMoment.Waiting { Last: null } => last.Container,
            ContainerMoment.Waiting waiting => waiting.Last,
            _ => last.Container,
        };
        var succeeded = over.Eviction is null && containers is ContainerMoment.Ended { Run.ExitCode: 0 };
        return last with
        {
            Phase = last.IsFinished ? last.Phase : succeeded ? "Succeeded" : "Failed",
            Container = containers,
            IsReady = false,
            Eviction = over.Eviction,
            IsGone = Stop is not null,
            Next = null,
        };
    }

    private (DateTimeOffset At, ContainerRun Run, PodEviction? Eviction)? End(DateTimeOffset now)
    {
        var evicted = script.Eviction is { } eviction ? takenUp + eviction.After : (DateTimeOffset?)null;
        var stopped = StoppedAt;
        if (evicted <= now && !(stopped < evicted) && !Living(evicted.Value).IsFinished) return (evicted.Value, new ContainerRun(null, 137), script.Eviction);
        if (stopped > now || stopped is not { } at) return null;
        var killed = script.StopTime > Stop!.Value.Grace;
        return (at, killed ? new ContainerRun(null, 137) : new ContainerRun(null, script.StopExitCode), null);
    }

    // What has not begun to run, or has ended, needs no time to stop.
    private DateTimeOffset? StoppedAt => Stop is not { } stop ? null
        : Living(stop.At).Container is ContainerMoment.Running ? stop.At + (script.StopTime < stop.Grace ? script.StopTime : stop.Grace)
        : stop.At;

    /// <summary>The pod as the script has it, were it never stopped.</summary>
    private PodMoment Living(DateTimeOffset now)
    {
        if (script.StartDelay is not { } delay) return PodMoment.Pending(0, new ContainerMoment.Waiting(script.WaitingReason, 0, null), NextEnd(now, null));

        var started = takenUp + delay;
        for (var done = 0; done < _initContainers; done++)
        {
            if (now < started) return PodMoment.Pending(done, Creating(done), NextEnd(now, started));
            var ended = started + script.InitTime;
            if (done == _waits && script.InitDone is { } holds)
            {
                if (_released is null && holds()) _released = now;
                if (_released is not { } released) return PodMoment.Pending(done, Creating(done), NextEnd(now, now + AskAgain)) with { InitSince = started };
                if (released > ended) ended = released;
            }

            if (now < ended) return PodMoment.Pending(done, Creating(done), NextEnd(now, ended)) with { InitSince = started };
            started = ended;
        }

        return now < started
            ? PodMoment.Pending(_initContainers, Creating(_initContainers), NextEnd(now, started))
            : Running(now, started);

        ContainerMoment Creating(int done) => new ContainerMoment.Waiting(done < _initContainers ? "PodInitializing" : "ContainerCreating", 0, null);
    }

    private PodMoment Running(DateTimeOffset now, DateTimeOffset start)
    {
        ContainerMoment.Ended? last = null;
        for (var restarts = 0; restarts < RunsMax; restarts++)
        {
            var run = Run(restarts, start, now);
            if (run.For is not { } time || start + time > now)
            {
                var isReady = start + script.ReadyDelay <= now;
                var change = isReady ? start + run.For : Earlier(start + script.ReadyDelay, start + run.For);
                if (script.RunEnded is not null) change = Earlier(change, now + AskAgain);
                return new PodMoment("Running", _initContainers, new ContainerMoment.Running(start, restarts, last), isReady, NextEnd(now, change));
            }

            last = new ContainerMoment.Ended(start, start + time, run, restarts, last is null ? null : last with { Last = null });
            var restartsAgain = pod.RestartPolicy == "Always" || (pod.RestartPolicy == "OnFailure" && run.ExitCode != 0);
            if (!restartsAgain) return new PodMoment(run.ExitCode == 0 ? "Succeeded" : "Failed", _initContainers, last, false, null);

            start = last.At + RestartDelay(restarts);
            if (start > now) return new PodMoment("Running", _initContainers, new ContainerMoment.Waiting("CrashLoopBackOff", restarts, last), false, NextEnd(now, start));
        }

        throw new InvalidOperationException($"{pod}: its script restarts its containers more than {RunsMax} times");
    }

    private ContainerRun Run(int number, DateTimeOffset start, DateTimeOffset now)
    {
        if (number < _ended.Count) return _ended[number];
        var run = script.Runs.IsEmpty ? new ContainerRun(null) : script.Runs[Math.Min(number, script.Runs.Length - 1)];
        if (script.RunEnded is not { } ended) return run;
        if (start + run.For > now || run.For is null)
        {
            if (ended(number) is not { } end) return run;
            run = end with { For = now - start };
        }

        _ended.Add(run);
        return run;
    }

    private static TimeSpan RestartDelay(int restarts) => restarts == 0 ? TimeSpan.Zero
        : restarts > 6 ? LongestRestartDelay
        : TimeSpan.FromTicks(Math.Min(FirstRestartDelay.Ticks << (restarts - 1), LongestRestartDelay.Ticks));

    private DateTimeOffset? NextEnd(DateTimeOffset now, DateTimeOffset? next)
    {
        if (script.Eviction is { } eviction && takenUp + eviction.After > now) next = Earlier(next ?? DateTimeOffset.MaxValue, takenUp + eviction.After);
        return next;
    }

    /// <summary>When the pod changes next by itself, its stop included. Null: never.</summary>
    public DateTimeOffset? NextChange(DateTimeOffset now)
    {
        var moment = At(now);
        if (moment.IsGone || Stop is null) return moment.Next;
        return moment.Next is { } next ? Earlier(next, StoppedAt) : StoppedAt;
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => a is null ? b : b is null || a < b ? a : b;
}

/// <summary>One moment of a pod.</summary>
/// <param name="InitDone">Init containers that have ended.</param>
/// <param name="Container">What each of its containers does; they all do the same.</param>
/// <param name="Next">When the script changes something next.</param>
internal sealed record PodMoment(string Phase, int InitDone, ContainerMoment Container, bool IsReady, DateTimeOffset? Next)
{
    /// <summary>When the init container that runs was started; null when none runs.</summary>
    public DateTimeOffset? InitSince { get; init; }

    public PodEviction? Eviction { get; init; }

    /// <summary>Its deletion is carried out: the object may go.</summary>
    public bool IsGone { get; init; }

    public bool IsFinished => Phase is "Succeeded" or "Failed";

    public static PodMoment Pending(int initDone, ContainerMoment container, DateTimeOffset? next) => new("Pending", initDone, container, false, next);
}

internal abstract record ContainerMoment(int Restarts)
{
    /// <param name="Last">How it ended before.</param>
    public sealed record Waiting(string Reason, int Restarts, Ended? Last) : ContainerMoment(Restarts);

    public sealed record Running(DateTimeOffset Since, int Restarts, Ended? Last) : ContainerMoment(Restarts);

    /// <param name="Last">The end of the run before, as far as a status tells it: without its own.</param>
    public sealed record Ended(DateTimeOffset Since, DateTimeOffset At, ContainerRun Run, int Restarts, Ended? Last = null) : ContainerMoment(Restarts);
}
