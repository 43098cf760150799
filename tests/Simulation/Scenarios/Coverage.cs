using System.Globalization;
using Mpi.Model;
using Mpi.Planning;
using Mpi.Testing;

namespace Simulation;

/// <summary>What many trials have come across: what befell them, what the jobs went through, and what the planner did about it.</summary>
internal sealed class Coverage
{
    private readonly SortedDictionary<string, int> _mishaps = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _ends = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _met = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _actions = new(StringComparer.Ordinal);

    /// <summary>Kinds of mishaps that happened so far.</summary>
    public IReadOnlyCollection<string> Mishaps => _mishaps.Keys;

    public IReadOnlyCollection<string> Ends => _ends.Keys;

    public IReadOnlyCollection<string> Actions => _actions.Keys;

    /// <summary>What the agents went through.</summary>
    public IReadOnlyDictionary<string, int> Met => _met;

    public void Meet(string what) => Count(_met, what);

    public void Add(Plan plan)
    {
        foreach (var action in plan.Actions) Count(_actions, Name(action));
        if (plan.Status is not null) Count(_actions, plan.StatusFirst ? "status, first" : "status");
        if (!plan.Confirm.IsEmpty) Count(_actions, "ask the server");
        foreach (var news in plan.Events) Count(_actions, $"event {news.Reason}");
    }

    public void Add(Scenario scenario, IEnumerable<Mishap> happened, ClusterView view)
    {
        foreach (var mishap in happened) Count(_mishaps, mishap.Kind);
        var jobs = view.Jobs.ToList();
        if (jobs.Count == 0) Count(_ends, "deleted");
        foreach (var job in jobs) Count(_ends, $"{End(job)}{(job.Recorded.Attempt?.Number > 1 ? ", after a restart" : "")}");
        Count(_ends, $"of {scenario.Subject.Kind.ApiVersion}");
    }

    public IEnumerable<string> Tell() => [.. Table("what befell", _mishaps), .. Table("how jobs ended", _ends), .. Table("what was planned", _actions), .. _met.Count > 0 ? Table("what the agents met", _met) : []];

    private static string End(JobView job) => job.Recorded switch
    {
        { Outcome: RunOutcome.Succeeded } => "succeeded",
        { Outcome: RunOutcome.Failed failed } => $"failed: {failed.Reason}",
        { Invalid: not null } => "invalid",
        { Blocked: { } blocked } => $"blocked: {blocked.Reason}",
        { Suspended: true } => "suspended",
        _ => "waiting for a pod",
    };

    private static string Name(PlanAction action) => action switch
    {
        PlanAction.Create create => $"create {create.Kind.Kind}",
        PlanAction.CreateKeys => "create keys",
        PlanAction.ReplaceKeys => "replace keys",
        PlanAction.Patch patch => $"patch {patch.Kind.Kind}",
        PlanAction.Delete delete => $"delete {delete.Kind.Kind}: {delete.Why}",
        PlanAction.DeletePods pods => $"delete pods: {pods.Why}",
        _ => action.GetType().Name,
    };

    private static IEnumerable<string> Table(string title, SortedDictionary<string, int> counts) =>
        [$"{title}:", .. counts.Select(static c => string.Create(CultureInfo.InvariantCulture, $"  {c.Value,8} {c.Key}"))];

    private static void Count(SortedDictionary<string, int> counts, string what) => counts[what] = counts.GetValueOrDefault(what) + 1;
}
