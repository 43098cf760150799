using System.Text.Json;
using Kube.Types;

namespace Mpi.Model;

/// <summary>
/// What one system's jobs are: how its manifests read, how its objects are called and wired, and how its status is written.
/// The planner knows runs and asks the dialect for everything that a user of that system could have relied on. Pure and
/// stateless; one instance serves all jobs.
/// </summary>
public interface IDialect
{
    /// <summary>The kind that this dialect's jobs are stored as.</summary>
    ResourceKind Kind { get; }

    /// <summary>
    /// A label selector's text that finds the pods of this dialect's jobs, and few others: those that the operator watches. Pods that an
    /// older operator of the dialect made are among them, whose jobs are taken over.
    /// </summary>
    string WatchedPods { get; }

    /// <summary>The name of the job that one of these pods belongs to, by its labels; null for a pod that says of none.</summary>
    string? JobOf(IReadOnlyDictionary<string, string> podLabels);

    /// <summary>Reads a manifest. Never throws, whatever the JSON holds: faults come back as field errors, all of them.</summary>
    ParseResult Parse(JsonElement manifest);

    /// <summary>Names and labels. They depend on the object's metadata alone, so that they are known for invalid jobs too.</summary>
    RunProfile Profile(ObjectMeta job);

    /// <summary>What the pods of a run are given besides the user's template.</summary>
    RunWiring Wiring(MpiRun run);

    IRunStatusFormat Status { get; }

    /// <summary>Whether any of its runs has workers of form <see cref="WorkerForm.StatefulSet"/>: only then are StatefulSets watched, which is a right of its own.</summary>
    bool MakesStatefulSets => false;

    /// <summary>An object whose presence says that another controller works on jobs of this kind, too: what was installed for them before; null where there is none to look for.</summary>
    RivalController? Rival => null;
}

/// <param name="Kind">Cluster-scoped.</param>
/// <param name="Remedy">How people remove it.</param>
/// <param name="System">What people call the system behind it.</param>
public sealed record RivalController(ResourceKind Kind, string Name, string Remedy, string System);
