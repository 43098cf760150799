using Kube.Types;

namespace Mpi.Testing;

/// <summary>What a change came to, in the words of a story: what became of job and pods.</summary>
public static class Sentence
{
    /// <summary>Empty for what nobody wants to hear of.</summary>
    public static string Of(Change change, ClusterView view)
    {
        var what = change.Object.ToString();
        if (change.After is null) return $"{what} is gone";
        if (view.IsJob(change.Kind)) return Job(change);
        if (change.Before is null) return change.Kind == Kinds.Event ? $"event {change.After.Root.Text("reason")}: {change.After.Root.Text("message")}" : $"{what} is there";
        if (change.Before.Meta.DeletionTimestamp is null && change.After.Meta.DeletionTimestamp is not null) return $"{what} is told to go";
        var (before, after) = (change.Before.Root.Text("status", "phase"), change.After.Root.Text("status", "phase"));
        if (change.Kind == Kinds.Pod && before != after) return $"{what} is {after}{(change.After.Root.Text("status", "reason") is { Length: > 0 } reason ? $" ({reason})" : "")}";
        return change.Kind == Kinds.Job ? $"{what}: {Words(change.Before, change.After)}" : "";
    }

    private static string Job(Change change)
    {
        var after = change.After!;
        var said = after.Root.Items("status", "conditions")
            .Select(Condition.Read)
            .Where(c => change.Before is null || Conditions.Find(change.Before.Root.At("status"), c.Type) is not { } old || (old.Status, old.Reason, old.Message) != (c.Status, c.Reason, c.Message))
            .Select(static c => $"{c.Type}={c.Status} ({c.Reason}: {c.Message})");
        var attempt = after.Root.At("status", "attempt");
        var record = attempt.ValueKind == System.Text.Json.JsonValueKind.Object && attempt.GetRawText() != (change.Before?.Root.At("status", "attempt") is { ValueKind: System.Text.Json.JsonValueKind.Object } old ? old.GetRawText() : "") ? [$"attempt {attempt.GetRawText()}"] : (string[])[];
        var spec = change.Before is { } earlier && earlier.Meta.Generation != after.Meta.Generation ? ["another spec"] : change.Before is null ? ["is there"] : (string[])[];
        return $"{after}: {string.Join("; ", [.. spec, .. record, .. said])}";
    }

    private static string Words(KubeObject before, KubeObject after)
    {
        string[] counters = [.. new[] { "active", "succeeded", "failed" }.Where(c => after.Root.Integer("status", c) is > 0).Select(c => $"{after.Root.Integer("status", c)} {c}")];
        var suspended = after.Root.Flag("spec", "suspend") == true ? ["suspended"] : (string[])[];
        var ends = new[] { "Complete", "Failed" }.Where(type => Conditions.IsTrue(after.Root.At("status"), type) && !Conditions.IsTrue(before.Root.At("status"), type));
        return string.Join(", ", [.. suspended, .. counters, .. ends]);
    }
}
