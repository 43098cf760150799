using Kube.Types;

namespace Mpi.Testing;

/// <summary>A result is set once, with its time, and stays; after it nothing runs and nothing starts.</summary>
internal sealed class EndsAreFinal : Checker
{
    private readonly Dictionary<string, string> _ends = new(StringComparer.Ordinal);

    public override void Changed(Change change, ClusterView view)
    {
        if (change.After is not { } job || !view.IsJob(change.Kind)) return;
        var status = job.Root.At("status");
        var time = status.Text("completionTime");
        var end = (Conditions.IsTrue(status, "Succeeded"), Conditions.IsTrue(status, "Failed")) switch
        {
            (true, true) => throw Broken($"{job} both succeeded and failed"),
            (true, _) => $"Succeeded at {time ?? throw Broken($"{job} succeeded at no time")}",
            (_, true) => $"Failed at {time ?? throw Broken($"{job} failed at no time")}",
            _ => null,
        };
        if (_ends.TryGetValue(job.Meta.Uid, out var earlier))
        {
            if (earlier != end) throw Broken($"{job} was {earlier} and is now {end ?? "unfinished"}");
        }
        else if (end is not null)
        {
            _ends[job.Meta.Uid] = end;
        }

        if (end is not null && Conditions.IsTrue(status, "Running")) throw Broken($"{job} is {end} and says that it runs");
        if (end is null && time is not null && change.Actor != "user") throw Broken($"{job} has completed at {time} with no result");
    }
}
