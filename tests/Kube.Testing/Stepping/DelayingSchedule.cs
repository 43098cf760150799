using System.Collections.Immutable;
using System.Globalization;
using Kube.Client;

namespace Kube.Testing;

/// <summary>At a moment, counted in steps that made progress, the loop at a place of the line goes to its end.</summary>
public readonly record struct Delay(int Moment, int Place)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Moment}/{Place}");

    /// <summary>Reads what <see cref="ToString"/> writes, several separated by commas.</summary>
    public static ImmutableArray<Delay> Parse(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(static one => one.Split('/')).Select(static parts => new Delay(int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture)))];
}

/// <summary>
/// The loops stand in a line, and the first that has something to do does it. Whoever is delayed goes to the end of the line and stays behind all
/// others from then on, as a watch that lags or a process that gets no processor does. All runs with at most so many delays are all that
/// few delays can make go wrong: a bound that can be exhausted, where all orders are too many.
/// </summary>
/// <param name="newestFirst">The line begins with who came last: the operator, where the listed order begins with the controllers.</param>
public sealed class DelayingSchedule(ImmutableArray<Delay> delays, bool newestFirst = false) : ISchedule
{
    private readonly List<ILoop> _line = [];

    // Where each stands among the stepper's loops, of which the first so many are candidates.
    private readonly Dictionary<ILoop, int> _places = new(ReferenceEqualityComparer.Instance);
    private ILoop[] _loops = [];
    private int _candidates;

    private readonly List<int> _progress = [];
    private ILoop? _delayed;
    private int _applied;
    private int _next;
    private bool _closed;

    /// <summary>For each moment the place in the line of the loop that made progress then.</summary>
    public IReadOnlyList<int> Progress => _progress;

    /// <summary>Told when a loop is delayed.</summary>
    public Action<string> Told { get; set; } = static _ => { };

    /// <summary>What comes now is no longer counted: there is nothing left to delay.</summary>
    public void Close() => _closed = true;

    public void Changed(IReadOnlyList<ILoop> loops)
    {
        _loops = [.. loops];
        _places.Clear();
        for (var i = 0; i < _loops.Length; i++) _places[_loops[i]] = i;
        _line.RemoveAll(loop => !_places.ContainsKey(loop));
        var known = _line.ToHashSet(ReferenceEqualityComparer.Instance);
        foreach (var loop in loops.Where(loop => !known.Contains(loop))) _line.Insert(newestFirst ? 0 : _line.Count, loop);
    }

    public int Next(ReadOnlySpan<ILoop> candidates)
    {
        // Everybody may have something to do again.
        if (candidates.Length == _loops.Length) _next = 0;
        _candidates = candidates.Length;
        if (!_closed && _applied < delays.Length && delays[_applied].Moment == _progress.Count)
        {
            _delayed = _line[delays[_applied++].Place];
            _line.Remove(_delayed);
            _line.Add(_delayed);
            Told($"{_delayed.Name} falls behind");
        }

        return _places[_line[_next]];
    }

    public void Stepped(ILoop loop, bool progressed)
    {
        if (!progressed)
        {
            _next++;
            Swap(_places[loop], _candidates - 1);
            return;
        }

        // It alone had anything to do: this is the order that it would have been without the delay, which was met already.
        if (ReferenceEquals(loop, _delayed)) throw new NoOtherOrderException();
        _delayed = null;
        if (!_closed) _progress.Add(_next);
    }

    private void Swap(int one, int other)
    {
        (_loops[one], _loops[other]) = (_loops[other], _loops[one]);
        _places[_loops[one]] = one;
        _places[_loops[other]] = other;
    }
}

/// <summary>A delay that changes nothing: nobody else had anything to do.</summary>
public sealed class NoOtherOrderException : Exception;
