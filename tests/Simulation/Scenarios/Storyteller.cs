using System.Globalization;
using Mpi.Testing;

namespace Simulation;

/// <summary>Tells a run as a story: who did what, what went wrong, and what became of job and pods, a line each.</summary>
internal sealed class Storyteller
{
    private readonly List<string> _lines = [];
    private DateTimeOffset _start;

    public IReadOnlyList<string> Lines => _lines;

    public void Follow(SimulatedCluster world)
    {
        _start = world.Clock.GetUtcNow();
        world.Told = (actor, what) => Say(world.Clock.GetUtcNow(), $"{actor} {what}");
        world.Observer.Seen = change =>
        {
            if (Sentence.Of(change, world.Observer.View) is { Length: > 0 } news) Say(change.At, $"    {news}{(change.IsOperators ? "" : $"  ({change.Actor})")}");
        };
    }

    private void Say(DateTimeOffset at, string what) => _lines.Add(string.Create(CultureInfo.InvariantCulture, $"{(at - _start).TotalSeconds,9:0.000} s  {what}"));
}
