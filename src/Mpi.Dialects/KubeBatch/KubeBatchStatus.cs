using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// The status of an MPI object: what its type declared and no program ever wrote (<c>job</c>, <c>podGroup</c>, <c>descriptors</c>;
/// spec/kube-batch-mpi.md 7), beside what all our kinds have, and the conditions SchedulerMissing and SpecChanged.
/// </summary>
internal sealed class KubeBatchStatus : IRunStatusFormat
{
    private readonly KubeflowV2Beta1Status _common = new("MPI");

    public RecordedRun Read(JsonElement status) => _common.Read(status) with { SpecChanged = JobConditions.Read(status).Remark("SpecChanged") };

    public JsonObject Write(JsonElement status, ObjectMeta job, RunReport report, DateTimeOffset now)
    {
        var tree = _common.Write(status, job, report, now);
        WriteConditions(tree, report, now);
        if (report.LauncherJob is { } counters) WriteJob(tree.Object("job"), counters);
        if (report.Gang is { } gang) WriteGroup(tree.Object("podGroup"), gang);
        if (report.Announced) WriteDescriptors(tree.Object("descriptors"), report);
        return tree;
    }

    private static void WriteConditions(JsonObject tree, RunReport report, DateTimeOffset now)
    {
        var conditions = JobConditions.Read(JsonElement.Parse(tree.ToUtf8()));
        var newly = new ConditionClock(now);
        conditions.SetRemark("SchedulerMissing", report.Blocked is { Reason: "GangSchedulerMissing" or "QueueMissing" } missing ? missing : null, "SchedulerFound", "the scheduler's kinds are served, and the queue is there", newly);
        conditions.SetRemark("SpecChanged", report.SpecChanged, "SpecApplied", "the job runs as its spec says", newly);
        tree["conditions"] = conditions.ToTree();
    }

    private static void WriteJob(JsonObject job, JobCounters counters)
    {
        Set(job, "active", counters.Active);
        Set(job, "succeeded", counters.Succeeded);
        Set(job, "failed", counters.Failed);
        Set(job, "startTime", counters.StartTime);
        Set(job, "completionTime", counters.CompletionTime);
    }

    private static void WriteGroup(JsonObject group, GangState gang)
    {
        if (gang.Phase.Length > 0) group["phase"] = gang.Phase;
        Set(group, "running", gang.Running);
        Set(group, "succeeded", gang.Succeeded);
        Set(group, "failed", gang.Failed);
    }

    private static void WriteDescriptors(JsonObject descriptors, RunReport report)
    {
        if (report.LauncherPod is { } pod) descriptors["executor"] = pod;
        if (report.WorkerCount is { } workers) descriptors["hostfileEntries"] = (workers + 1).ToString(CultureInfo.InvariantCulture);
        if (report.Transport is { } transport) descriptors["transport"] = Name(transport.Kind);
    }

    private static string Name(Transport transport) => transport switch
    {
        Transport.Agent => "agent",
        Transport.Exec => "exec",
        Transport.Ssh => "ssh",
        _ => throw new UnreachableException(),
    };

    /// <summary>Zeros are left out, as Go's omitempty does.</summary>
    private static void Set(JsonObject tree, string member, int count)
    {
        if (count != 0) tree[member] = count;
        else tree.Remove(member);
    }

    private static void Set(JsonObject tree, string member, DateTimeOffset? time)
    {
        if (time is { } at) tree[member] = KubeTime.Format(at);
        else tree.Remove(member);
    }
}
