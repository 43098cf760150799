using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// A scheduler that starts a job's pods all or none: which objects it reads and how a pod says that it belongs to them
/// (spec 2.8). One file a back end.
/// </summary>
public abstract class GangBackend
{
    // Before AllKinds, which is made of them.
    private static readonly VolcanoGang Volcano = new();
    private static readonly KubeBatchGang KubeBatch = new();
    private static readonly InTreeGang InTree = new();

    /// <summary>For people: in conditions and messages.</summary>
    public abstract string Name { get; }

    /// <summary>The kinds that it reads, in the order of creation. Which of them are served says whether it is installed.</summary>
    public abstract ImmutableArray<ResourceKind> Kinds { get; }

    /// <summary>The cluster-scoped kind of the queues that its groups name; null where it has none, or says itself that one is missing.</summary>
    public virtual ResourceKind? QueueKind => null;

    /// <summary>The least number of members that it accepts.</summary>
    public virtual int LeastMembers => 1;

    /// <summary>Whether a pod that is made when the others run already may belong to the group too.</summary>
    public virtual bool TakesLatecomers => true;

    /// <summary>Whether an object's spec can follow an edit of the job.</summary>
    public virtual bool CanChange(ResourceKind kind) => true;

    /// <summary>The <c>spec</c> of one of its kinds.</summary>
    internal abstract JsonObject Spec(ResourceKind kind, Draft draft, GangSize size);

    /// <summary>Makes a pod a member: its scheduler, and the mark that its back end looks for.</summary>
    internal abstract void Mark(JsonObject podMetadata, JsonObject podSpec, string group);

    /// <summary>
    /// The back end of a name: of the flag <c>--gang-scheduling</c>, as the old operator read it, or of a job's annotation. Null for none.
    /// Any name that is not one of the others is scheduler-plugins' under that scheduler name.
    /// </summary>
    public static GangBackend? Named(string? name) => name switch
    {
        null or "" or "none" => null,
        "volcano" => Volcano,
        "kube-batch" => KubeBatch,
        "kubernetes" => InTree,
        _ => new SchedulerPluginsGang(name),
    };

    /// <summary>The back end of a run: its own choice, else the operator's; none where the operator is to do without one that is missing.</summary>
    internal static GangBackend? Of(Draft draft) =>
        Named(draft.Run.GangScheduler ?? draft.Scene.Options.GangScheduler) is { } backend && (!draft.Scene.Options.FallBackFromMissingGang || backend.IsServed(draft.Scene.Seen.GangKinds)) ? backend : null;

    /// <summary>The queue that a run names to a back end that says nothing of one that is missing; null where there is nothing to ask for.</summary>
    /// <param name="served">Of <see cref="AllKinds"/>.</param>
    public static QueueAsked? QueueOf(MpiRun run, PlanningOptions options, ImmutableHashSet<ResourceKind> served) =>
        Named(run.GangScheduler ?? options.GangScheduler) is { QueueKind: { } kind } backend && backend.IsServed(served) && run.Gang?.Queue is { } queue ? new QueueAsked(kind, queue) : null;

    /// <summary>Whether the cluster has it.</summary>
    internal bool IsServed(ImmutableHashSet<ResourceKind> served) => Kinds.GroupBy(static k => k.Kind).All(versions => versions.Any(served.Contains));

    /// <summary>Every kind of every back end, for those who watch them.</summary>
    public static ImmutableArray<ResourceKind> AllKinds { get; } = [.. Volcano.Kinds, .. KubeBatch.Kinds, .. new SchedulerPluginsGang("any").Kinds, .. InTree.Kinds];

    private protected static JsonObject WithoutNulls(JsonObject spec)
    {
        foreach (var absent in spec.Where(static m => m.Value is null).Select(static m => m.Key).ToList()) spec.Remove(absent);
        return spec;
    }

    private protected static void Annotate(JsonObject podMetadata, string key, string value) => podMetadata.Object("annotations")[key] = value;
}

/// <summary>A queue by its name.</summary>
public sealed record QueueAsked(ResourceKind Kind, string Name);
