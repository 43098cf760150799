using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>How many pods of a run must start together, and what they need together (spec 2.8).</summary>
/// <param name="Members">What the user asked for, else every pod that is made at once.</param>
/// <param name="MinResources">Null where there is nothing to say.</param>
public sealed record GangSize(int Members, JsonObject? MinResources)
{
    /// <summary>
    /// The pods that exist before the gang starts: a launcher that is made when the workers are ready is not among them, and a gang that
    /// counted it would wait for ever.
    /// </summary>
    public static int PodsAtOnce(MpiRun run) => LauncherComesLater(run) ? run.Workers.Count : run.Workers.Count + 1;

    public static bool LauncherComesLater(MpiRun run) => run is { Launcher.Creation: not LauncherCreation.AtStartup, Workers.Count: > 0 };

    internal static GangSize Of(Draft draft)
    {
        var run = draft.Run;
        // Strict compatibility keeps the old arithmetic, whose gang never starts with such a launcher.
        var members = run.Gang?.MinAvailable ?? (draft.Scene.Options.Strict ? run.Workers.Count + 1 : PodsAtOnce(run));
        if (run.Gang?.MinResources is { ValueKind: JsonValueKind.Object } given) return new GangSize(members, (JsonObject)given.ToTree()!);
        return new GangSize(members, members > 0 ? Sum(run, members, draft.Scene) : null);
    }

    /// <summary>The group's priority class: the policy's, else the launcher's, else the workers'; null for none.</summary>
    public static string? PriorityClass(MpiRun run) => run.Gang?.PriorityClass ?? PriorityClassOf(run.Launcher.Template) ?? PriorityClassOf(run.Workers.Template);

    /// <summary>
    /// The priority classes whose values decide which pods a gang smaller than the job begins with. Whoever observes looks them up
    /// (<see cref="ObservedRun.Priorities"/>).
    /// </summary>
    public static ImmutableArray<string> PrioritiesAsked(MpiRun run, PlanningOptions options)
    {
        if (GangBackend.Named(run.GangScheduler ?? options.GangScheduler) is null || run.Gang is not { MinAvailable: { } members, MinResources.ValueKind: not JsonValueKind.Object }) return [];
        var (launcher, workers) = (PriorityClassOf(run.Launcher.Template), PriorityClassOf(run.Workers.Template));
        return members >= PodsAtOnce(run) || launcher == workers ? [] : [.. new[] { launcher, workers }.OfType<string>()];
    }

    private static string? PriorityClassOf(JsonElement template) => template.Text("spec", "priorityClassName") is { Length: > 0 } name ? name : null;

    /// <summary>
    /// Requests of the first <paramref name="members"/> pods by priority, the launcher first among equals. (The old operator counts the
    /// launcher several times when the workers' priority is higher.)
    /// </summary>
    private static JsonObject? Sum(MpiRun run, int members, Scene scene)
    {
        var launchers = LauncherComesLater(run) && !scene.Options.Strict ? 0 : 1;
        var workersFirst = Priority(run.Workers.Template) > Priority(run.Launcher.Template);
        var workers = Math.Min(run.Workers.Count, workersFirst ? members : members - Math.Min(members, launchers));
        launchers = Math.Min(launchers, members - workers);

        var sum = new SortedDictionary<string, Quantity>(StringComparer.Ordinal);
        Add(sum, run.Launcher.Template, launchers);
        Add(sum, run.Workers.Template, workers);
        if (sum.Count == 0) return null;
        var resources = new JsonObject();
        foreach (var (name, quantity) in sum) resources[name] = quantity.ToString();
        return resources;

        int Priority(JsonElement template) => PriorityClassOf(template) is { } name ? scene.Seen.Priorities.GetValueOrDefault(name) : 0;
    }

    /// <summary>Regular containers' requests; a limit stands in for a request that is not there.</summary>
    private static void Add(SortedDictionary<string, Quantity> sum, JsonElement template, int times)
    {
        if (times <= 0) return;
        foreach (var container in template.Items("spec", "containers"))
        {
            var requests = container.Members("resources", "requests").ToDictionary(static r => r.Name, static r => r.Value, StringComparer.Ordinal);
            foreach (var limit in container.Members("resources", "limits")) requests.TryAdd(limit.Name, limit.Value);
            foreach (var (name, value) in requests)
            {
                if (Quantity.Read(value) is { } quantity) sum[name] = sum.GetValueOrDefault(name) + (quantity * times);
            }
        }
    }
}
