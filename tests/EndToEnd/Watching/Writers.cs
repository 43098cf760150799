using System.Collections.Immutable;
using Kube.Types;
using Mpi.Testing;

namespace EndToEnd;

/// <summary>
/// Whose change it was, as far as the API tells. Of a write it tells by <c>metadata.managedFields</c>, where the writer's entry is new or has
/// another time; a second write within its second leaves no trace. Of a deletion it tells nothing.
/// </summary>
internal static class Writers
{
    private const string Operator = "operator";

    /// <summary>What the operator calls itself to the API server.</summary>
    private const string OperatorProgram = "kubempi-operator";

    /// <returns>As <see cref="Change.Actor"/> has it: empty where nobody can tell.</returns>
    public static string Of(KubeObject? before, KubeObject? after, ClusterView view)
    {
        if (after is null || IsToldToGo(before, after)) return before is not null && IsTakenAway(before, after, view) ? Operator : "";
        var known = before is null ? [] : Entries(before);
        var writers = Entries(after).Except(known).Select(static e => e.Manager).Distinct(StringComparer.Ordinal).ToList();
        return writers is [var writer] ? writer == OperatorProgram ? Operator : writer : "";
    }

    private static bool IsToldToGo(KubeObject? before, KubeObject after) => before?.Meta.DeletionTimestamp is null && after.Meta.DeletionTimestamp is not null;

    /// <summary>
    /// The pods that an operator makes for a job nobody else takes away as long as the job is there: no user of these tests, no eviction, and
    /// the garbage collector only after the job.
    /// </summary>
    private static bool IsTakenAway(KubeObject before, KubeObject? after, ClusterView view) =>
        before.Kind == Kinds.Pod.Kind && before.Meta.DeletionTimestamp is null && (after ?? before).Meta.Controller is { } owner
        && view.JobOf(before) is { IsGone: false, Object.Meta.DeletionTimestamp: null } job && owner.Uid == job.Uid;

    private static ImmutableHashSet<(string Manager, string Operation, string Subresource, string Time)> Entries(KubeObject obj) =>
        [.. obj.Root.Items("metadata", "managedFields").Select(static e => (e.Text("manager") ?? "", e.Text("operation") ?? "", e.Text("subresource") ?? "", e.Text("time") ?? ""))];
}
