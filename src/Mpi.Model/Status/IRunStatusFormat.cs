using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Model;

/// <summary>How one dialect keeps a run's state in its object's <c>status</c>.</summary>
public interface IRunStatusFormat
{
    /// <summary>What earlier passes recorded; an absent or damaged status reads as nothing recorded.</summary>
    RecordedRun Read(JsonElement status);

    /// <summary>
    /// The whole new status: the old one with everything that the report says. Writing the same report on its own result
    /// changes nothing, and members that this code does not know stay.
    /// </summary>
    JsonObject Write(JsonElement status, ObjectMeta job, RunReport report, DateTimeOffset now);
}
