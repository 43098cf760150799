using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>The hook's status (spec 9), field by field and in its letters, beside what all our kinds have.</summary>
internal sealed class MetacontrollerStatus : IRunStatusFormat
{
    private readonly KubeflowV2Beta1Status _common = new();

    public RecordedRun Read(JsonElement status)
    {
        return _common.Read(status) with
        {
            Presence = new WorkerPresence((int)(status.Integer("replicas") ?? 0), (int)(status.Integer("readyReplicas") ?? 0)),
            LeftOut = [.. status.Words("leftOut")],
            FrozenSpec = status.Text("specDigest"),
        };
    }

    public JsonObject Write(JsonElement status, ObjectMeta job, RunReport report, DateTimeOffset now)
    {
        var tree = _common.Write(status, job, report, now);
        if (!report.Announced) return tree;
        tree["replicas"] = report.Presence.Pods;
        tree["currentReplicas"] = report.Presence.Pods;
        tree["readyReplicas"] = report.Presence.Ready;
        tree["job"] = Job(report);
        if (report.FrozenSpec is { } digest) tree["specDigest"] = digest;
        if (!report.LeftOut.IsEmpty) tree["leftOut"] = report.LeftOut.ToTree();
        return tree;
    }

    /// <summary>Empty before a launcher is there, as it was.</summary>
    private static JsonObject Job(RunReport report) => report.Outcome switch
    {
        RunOutcome.Succeeded => Job("Finished", "Complete", "succeeded"),
        RunOutcome.Failed => Job("Finished", "Failed", "Failed"),
        _ when report.Counts.Launcher is { Active: > 0 } || report.Running => Job("Running", "Unknown", "Unknown"),
        _ => Job("", "", ""),
    };

    private static JsonObject Job(string state, string status, string success) => new() { ["state"] = state, ["status"] = status, ["success"] = success };
}
