using Kube.Client;

namespace Simulation;

/// <summary>What happens at given times, as a loop among the others: of several at one time, and beside what else is due, the seed says which comes first.</summary>
internal sealed class Timetable(TimeProvider time, IEnumerable<(DateTimeOffset At, Action Do)> entries) : ITimedLoop
{
    private readonly Queue<(DateTimeOffset At, Action Do)> _entries = new(entries.OrderBy(static e => e.At));
    private readonly Signal _never = new(time);

    public string Name => "timetable";

    public bool IsOver => _entries.Count == 0;

    public DateTimeOffset? NextDue => _entries.TryPeek(out var next) ? next.At : null;

    public ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        if (!_entries.TryPeek(out var next) || next.At > time.GetUtcNow()) return new(false);
        _entries.Dequeue();
        next.Do();
        return new(true);
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => _never.WaitAsync(NextDue, cancellation);
}
