using System.Globalization;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;
using Mpi.Agent.Protocol;

namespace Simulation;

/// <summary>
/// One thing that goes wrong around an operator, or that somebody does to a job, at one chosen point: at a request or an event by its
/// number, at a pod by its number, or at a time. Numbers that a run does not reach are no mishap.
/// </summary>
internal abstract record Mishap
{
    private Mishap() { }

    /// <summary>By which summaries count.</summary>
    public virtual string Kind => GetType().Name;

    /// <summary>Only messages and memories are lost: whatever of these happen, the end is the same.</summary>
    public virtual bool IsTrafficOnly => true;

    /// <summary>It is the infrastructure's doing, and costs a job no retry.</summary>
    public virtual bool IsInfrastructures => IsTrafficOnly;

    /// <summary>The operator dies before it sends a write.</summary>
    public sealed record CrashBefore(int Write) : Mishap
    {
        public override string ToString() => $"the operator dies before write {Write}";
    }

    /// <summary>The operator dies after a write has landed, without the answer.</summary>
    public sealed record CrashAfter(int Write) : Mishap
    {
        public override string ToString() => $"the operator dies after write {Write}";
    }

    public sealed record WriteFails(int Write, Trouble How) : Mishap
    {
        public override string Kind => $"write: {How}";
        public override string ToString() => $"write {Write} meets {How}";
    }

    /// <summary>A list, the opening of a watch, or a get.</summary>
    public sealed record ReadFails(int Read, Trouble How) : Mishap
    {
        public override string Kind => $"read: {How}";
        public override string ToString() => $"read {Read} meets {How}";
    }

    public sealed record EventFails(string Resource, int Number, WatchFault How) : Mishap
    {
        public override string Kind => $"event: {How.GetType().Name}";
        public override string ToString() => $"event {Number} of {Resource}: {How}";
    }

    /// <summary>Nobody reaches the lease for a while.</summary>
    public sealed record LeaseOutOfReach(int At, int For) : Mishap
    {
        public override string ToString() => $"the lease is out of reach from second {At} on, for {For} s";
    }

    /// <summary>The operator's clock jumps, forward or back.</summary>
    public sealed record ClockJumps(int At, int By) : Mishap
    {
        public override bool IsTrafficOnly => false;
        public override string ToString() => $"the operator's clock jumps by {By} s in second {At}";
    }

    /// <summary>What becomes of the n-th launcher or worker pod that a node takes up.</summary>
    public sealed record PodMeets(bool Launcher, int Number, Fate Fate, int After) : Mishap
    {
        public override string Kind => $"pod: {Fate}";
        public override bool IsTrafficOnly => false;
        public override bool IsInfrastructures => Fate is Fate.Eviction or Fate.Preemption;
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Launcher ? "launcher" : "worker")} pod {Number} meets {Fate} after {After} s");
    }

    /// <summary>A node goes with everything on it.</summary>
    public sealed record NodeDies(int At, int Node) : Mishap
    {
        public override bool IsTrafficOnly => false;
        public override bool IsInfrastructures => true;
        public override string ToString() => $"node-{Node} dies in second {At}";
    }

    /// <summary>A node is given up with everything on it, which lives on there unheard until the node is back, so long after.</summary>
    public sealed record NodeComesBack(int At, int Node, int After) : Mishap
    {
        public override bool IsTrafficOnly => false;
        public override bool IsInfrastructures => true;
        public override string ToString() => $"node-{Node} is given up from second {At} on, and what runs there lives on until it is back {After} s after that";
    }

    /// <summary>A node's pods reach no others and are reached by none for a while; everybody else's word of them goes on.</summary>
    public sealed record NodeIsCutOff(int At, int Node, int For) : Mishap
    {
        public override bool IsTrafficOnly => false;
        public override bool IsInfrastructures => true;
        public override string ToString() => $"the pods of node-{Node} are cut off from second {At} on, for {For} s";
    }

    /// <summary>The connections of the n-th worker break, and its pod lives on.</summary>
    public sealed record ConnectionsBreak(int At, int Worker) : Mishap
    {
        public override bool IsTrafficOnly => false;
        public override bool IsInfrastructures => true;
        public override string ToString() => $"worker {Worker} loses its connections in second {At}";
    }

    /// <summary>Somebody who is no member connects to a launcher.</summary>
    public sealed record StrangersKnock(int At) : Mishap
    {
        public override string ToString() => $"strangers connect to the launcher in second {At}";
    }

    public sealed record NetworkIsSlow : Mishap
    {
        public override string ToString() => "the pods' network is slow";
    }

    /// <summary>DNS learns a pod's name late.</summary>
    public sealed record NamesAreLate(int By) : Mishap
    {
        public override string ToString() => $"DNS learns names {By} s late";
    }

    public sealed record ServicesAreDead : Mishap
    {
        public override string ToString() => "nothing forwards the addresses of Services";
    }

    /// <summary>Somebody else's object has the name of one of the job's, from before it on.</summary>
    public sealed record NameIsTaken(TakenName Of, int? FreeAt) : Mishap
    {
        public override bool IsTrafficOnly => false;
        public override string Kind => $"foreign {Of}";
        public override string ToString() => $"a foreign {Of} is in the way {(FreeAt is { } at ? $"until second {at}" : "for good")}";
    }

    /// <summary>A user does something right after a write has landed (a number above 0), or in a second.</summary>
    public sealed record UserDoes(Deed What, int AfterWrite, int At) : Mishap
    {
        public override bool IsTrafficOnly => false;
        public override string Kind => $"user: {What.GetType().Name}";
        public override string ToString() => AfterWrite > 0 ? $"the user {What} after write {AfterWrite}" : $"the user {What} in second {At}";
    }
}

internal enum Trouble { Conflict, Gone, Busy, InternalError, Unavailable, Unreachable, Unanswered, Outdated }

internal static class Troubles
{
    public static Fault ToFault(this Trouble trouble) => trouble switch
    {
        Trouble.Conflict => Fault.Conflict(),
        Trouble.Gone => Fault.Gone(),
        Trouble.Busy => Fault.TooManyRequests(TimeSpan.FromSeconds(2)),
        Trouble.InternalError => Fault.InternalError(),
        Trouble.Unavailable => Fault.Unavailable(),
        Trouble.Unreachable => Fault.Unreachable(),
        Trouble.Unanswered => Fault.TimeoutAfterLanding(),
        Trouble.Outdated => new Fault.Outdated(),
        _ => throw new ArgumentOutOfRangeException(nameof(trouble)),
    };
}

internal enum Fate { Eviction, Preemption, OutOfMemory, AnOwnFailure, AnEarlyEnd, NoImage, ASlowStart, AReportedLoss }

internal static class Fates
{
    public static PodScript Befall(this PodScript script, Fate fate, TimeSpan after) => fate switch
    {
        Fate.Eviction => script with { Eviction = new PodEviction(after, "The node was low on resource: memory.") },
        Fate.Preemption => script with { Eviction = new PodEviction(after, "Preempted in order to admit critical pod") { Reason = "Preempting", DisruptionReason = "PreemptionByScheduler" } },
        Fate.OutOfMemory => script with { Runs = [new ContainerRun(after, 137) { Reason = "OOMKilled" }, .. Next(script)] },
        Fate.AnOwnFailure => script with { Runs = [new ContainerRun(after, 1) { Message = "rank 1 aborted" }, .. Next(script)] },
        Fate.AnEarlyEnd => script with { Runs = [new ContainerRun(after)] },
        Fate.NoImage => script with { StartDelay = null },
        Fate.ASlowStart => script with { StartDelay = after + TimeSpan.FromSeconds(50) },
        Fate.AReportedLoss => script with
        {
            Runs = [new ContainerRun(after, 1) { Message = new AgentReport { Launcher = new LauncherReport { Lost = [new LostWorker($"{Subject.Name}-worker-0", "the connection was closed")] } }.ToTerminationMessage() }, .. Next(script)],
        },
        _ => throw new ArgumentOutOfRangeException(nameof(fate)),
    };

    /// <summary>A container that is started again runs as it would have.</summary>
    private static IEnumerable<ContainerRun> Next(PodScript script) => script.Runs.IsEmpty ? [new ContainerRun(null)] : script.Runs;
}

/// <summary>Which of a job's names somebody else has.</summary>
internal enum TakenName { Service, ConfigMap, Secret, LauncherJob, Worker }

/// <summary>What a user does.</summary>
internal abstract record Deed
{
    private Deed() { }

    public sealed record Suspends : Deed
    {
        public override string ToString() => "suspends the job";
    }

    public sealed record Resumes : Deed
    {
        public override string ToString() => "resumes the job";
    }

    public sealed record Scales(int Workers) : Deed
    {
        public override string ToString() => $"wants {Workers} workers";
    }

    /// <summary>An annotation gets a value that it cannot have.</summary>
    public sealed record SpoilsTheSpec : Deed
    {
        public override string ToString() => "spoils the spec";
    }

    public sealed record MendsTheSpec : Deed
    {
        public override string ToString() => "mends the spec";
    }

    public sealed record DeletesTheJob : Deed
    {
        public override string ToString() => "deletes the job";
    }

    public sealed record MakesTheJobAnew : Deed
    {
        public override string ToString() => "makes the job anew";
    }

    public sealed record DeletesAPod(bool Launcher, bool AtOnce) : Deed
    {
        public override string ToString() => $"deletes a {(Launcher ? "launcher" : "worker")} pod{(AtOnce ? " with no grace" : "")}";
    }

    public sealed record DeletesTheLauncherJob : Deed
    {
        public override string ToString() => "deletes the launcher's Job";
    }

    /// <summary>The headless Service: it is made again.</summary>
    public sealed record DeletesTheService : Deed
    {
        public override string ToString() => "deletes the Service";
    }

    /// <summary>Labels the job's own pods, which nobody minds.</summary>
    public sealed record LabelsThePods : Deed
    {
        public override string ToString() => "labels the pods";
    }

    /// <summary>The kinds that a deed is about.</summary>
    public static ResourceKind KindOf(TakenName name) => name switch
    {
        TakenName.Service => Kinds.Service,
        TakenName.ConfigMap => Kinds.ConfigMap,
        TakenName.Secret => Kinds.Secret,
        TakenName.LauncherJob => Kinds.Job,
        TakenName.Worker => Kinds.Pod,
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };
}
