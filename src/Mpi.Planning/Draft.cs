using System.Collections.Immutable;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>A plan in the making: what the steps have decided so far. Lives for one decision.</summary>
internal sealed class Draft(Scene scene, MpiRun run)
{
    private readonly ImmutableArray<PlanAction>.Builder _actions = ImmutableArray.CreateBuilder<PlanAction>();
    private readonly ImmutableArray<PlanEvent>.Builder _events = ImmutableArray.CreateBuilder<PlanEvent>();
    private readonly HashSet<string> _deletedPods = new(StringComparer.Ordinal);

    public Scene Scene { get; } = scene;
    public MpiRun Run { get; } = run;

    public bool Uses(Transport transport) => Run.Transport.Kind == transport;

    public Workers Workers { get; } = Workers.Of(run);

    public RunWiring Wiring { get; } = scene.Seen.Dialect.Wiring(run);

    /// <summary>Indexes of the workers that take part: all but those that were left out.</summary>
    public IEnumerable<int> Members => Enumerable.Range(0, Run.Workers.Count).Where(i => !IsLeftOut(i));

    /// <summary>Worker pods that are left out, as it will be recorded.</summary>
    public ImmutableArray<string> LeftOut { get; set; } = scene.Recorded.LeftOut;

    public bool IsLeftOut(int index) => !LeftOut.IsEmpty && LeftOut.Contains(Scene.Profile.Worker(index));

    /// <summary>The attempt as it will be recorded.</summary>
    public AttemptRecord Attempt { get; set; } = scene.Attempt;

    /// <summary>The end of the run, where this decision finds it.</summary>
    public RunOutcome? Outcome { get; set; }

    /// <summary>Why the gang starts anew, where this decision says so.</summary>
    public RunRemark? Restarting { get; set; }

    public RunRemark? Blocked { get; set; }

    /// <summary>An edit of the spec that the attempt cannot follow.</summary>
    public RunRemark? SpecChanged { get; set; }

    /// <summary>The status must land before the actions begin.</summary>
    public bool StatusFirst { get; set; }

    public DateTimeOffset? RevisitAt { get; private set; }
    public IReadOnlyList<PlanAction> Actions => _actions;
    public IReadOnlyList<PlanEvent> Events => _events;

    public void Do(PlanAction action) => _actions.Add(action);

    public void Say(PlanEvent message) => _events.Add(message);

    /// <summary>What everything else follows from is said first.</summary>
    public void SayFirst(PlanEvent message) => _events.Insert(0, message);

    /// <summary>Notes pods that the planned actions delete: they no longer count as active.</summary>
    public void NoteDeleted(IEnumerable<PodView> pods)
    {
        foreach (var pod in pods) _deletedPods.Add(pod.Meta.Name);
    }

    public bool Deletes(PodView pod) => _deletedPods.Contains(pod.Meta.Name);

    /// <summary>Look again at that time at the latest.</summary>
    public void Revisit(DateTimeOffset at) => RevisitAt = RevisitAt is { } earlier && earlier < at ? earlier : at;
}
