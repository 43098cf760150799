using System.Runtime.InteropServices;
using Kube.Client;

namespace Kube.Testing;

/// <summary>
/// Drives loops in one thread: whose step comes next is the schedule's word, such as a seed's, time passes only when
/// no loop has anything left to do, and every run has a bound. The same schedule and the same loops give the same run.
/// </summary>
public sealed class Stepper(VirtualClock clock, ISchedule schedule)
{
    private readonly List<ILoop> _loops = [];
    private readonly Queue<string> _trace = new();

    // The loops at [0, _candidates) may have something to do; those behind said no since the last progress.
    private int _candidates;

    public Stepper(VirtualClock clock, Random random) : this(clock, new SeededSchedule(random)) { }

    public VirtualClock Clock => clock;
    public IReadOnlyList<ILoop> Loops => _loops;

    /// <summary>Steps taken since the beginning, those that found nothing to do included.</summary>
    public long Steps { get; private set; }

    /// <summary>A run that takes more steps than this fails: something never comes to rest.</summary>
    public long MaxStepsPerRun { get; init; } = 200_000;

    /// <summary>How many of the last entries a failure shows.</summary>
    public int TraceLength { get; init; } = 200;

    /// <summary>Runs after each step that made progress: the place for invariants, which throw, and for crashes.</summary>
    public Action<ILoop>? AfterProgress { get; set; }

    public Stepper Add(params IEnumerable<ILoop> loops)
    {
        _loops.AddRange(loops);
        Changed();
        return this;
    }

    /// <summary>Takes loops out, as a crash of their process does. What they hold is the caller's to drop.</summary>
    public void Remove(params IEnumerable<ILoop> loops)
    {
        foreach (var loop in loops) _loops.Remove(loop);
        Changed();
    }

    /// <summary>Adds a line to the trace that failures show.</summary>
    public void Note(string what)
    {
        _trace.Enqueue($"{clock.GetUtcNow():HH:mm:ss.fff} {what}");
        while (_trace.Count > TraceLength) _trace.Dequeue();
    }

    /// <summary>Steps until no loop has anything to do at the present instant.</summary>
    public void RunUntilQuiet()
    {
        var limit = Steps + MaxStepsPerRun;
        while (StepOne(limit)) { }
        TakeStaleSignals(limit);
    }

    /// <summary>Lets virtual time pass, stepping at every instant at which something is due.</summary>
    public void RunFor(TimeSpan time)
    {
        var end = clock.GetUtcNow() + time;
        var limit = Steps + MaxStepsPerRun;
        while (true)
        {
            while (StepOne(limit)) { }
            if (!PassTime(end, limit)) return;
        }
    }

    /// <summary>Steps, letting virtual time pass, until the condition holds.</summary>
    /// <exception cref="StepperException">It did not come to hold within <paramref name="atMost"/> of virtual time.</exception>
    public void RunUntil(Func<bool> condition, TimeSpan atMost, string what = "the condition")
    {
        var end = clock.GetUtcNow() + atMost;
        var limit = Steps + MaxStepsPerRun;
        while (!condition())
        {
            if (!StepOne(limit) && !PassTime(end, limit)) throw Failure($"{what} did not come to hold within {atMost} of virtual time");
        }
    }

    private void Changed()
    {
        _candidates = _loops.Count;
        schedule.Changed(_loops);
    }

    /// <summary>One step of the loop whose turn it is. False when every loop has said that it has nothing to do.</summary>
    private bool StepOne(long limit)
    {
        if (_candidates == 0)
        {
            _candidates = _loops.Count;
            return false;
        }

        if (Steps++ >= limit) throw Failure($"{MaxStepsPerRun} steps did not lead to rest");
        var index = schedule.Next(CollectionsMarshal.AsSpan(_loops)[.._candidates]);
        var loop = _loops[index];
        if (Step(loop))
        {
            Note(loop.Name);
            _candidates = _loops.Count;
            schedule.Stepped(loop, progressed: true);
            AfterProgress?.Invoke(loop);
        }
        else
        {
            _candidates--;
            (_loops[index], _loops[_candidates]) = (_loops[_candidates], _loops[index]);
            schedule.Stepped(loop, progressed: false);
        }

        return true;
    }

    private bool Step(ILoop loop)
    {
        ValueTask<bool> step;
        try
        {
            step = loop.StepAsync(CancellationToken.None);
            if (step.IsCompleted) return step.Result;
        }
        catch (Exception e) when (e is not StepperException)
        {
            throw Failure($"{loop.Name} threw {e.GetType().Name}: {e.Message}", e);
        }

        throw Failure($"the step of {loop.Name} did not complete synchronously: it waits for something that is not this run's");
    }

    /// <summary>To the next instant at which something is due. False when that is after <paramref name="end"/>, where the clock then stands.</summary>
    private bool PassTime(DateTimeOffset end, long limit)
    {
        TakeStaleSignals(limit);
        DateTimeOffset? due = null;
        var others = new List<ILoop>();
        foreach (var loop in _loops)
        {
            if (loop is not ITimedLoop timed) others.Add(loop);
            else if (timed.NextDue is { } at && (due is null || at < due)) due = at;
        }

        // Another loop's due time is known from its wait alone, which sets a timer of the clock. The waits end before
        // anything steps again, so nothing ever runs beside a step.
        using var ending = new CancellationTokenSource();
        var waits = others.ConvertAll(loop => loop.WaitAsync(ending.Token).AsTask());
        try
        {
            if (clock.NextDue is { } timer && (due is null || timer < due)) due = timer;
            clock.AdvanceTo(due <= end ? Later(due.Value, clock.GetUtcNow()) : end);
            return due <= end;
        }
        finally
        {
            ending.Cancel();
            waits.ForEach(End);
        }
    }

    /// <summary>
    /// A loop that is timed has said all by its steps. Of another, signals that its steps have answered already are still
    /// raised: waiting once takes them. Since a wait may complete early for a reason of its own, everybody then gets
    /// another chance to step.
    /// </summary>
    private void TakeStaleSignals(long limit)
    {
        for (var round = 0; ; round++)
        {
            using var ending = new CancellationTokenSource();
            var waits = _loops.Where(static l => l is not ITimedLoop).Select(loop => (loop.Name, Wait: loop.WaitAsync(ending.Token).AsTask())).ToList();
            var eager = waits.FindAll(static w => w.Wait.IsCompleted).ConvertAll(static w => w.Name);
            ending.Cancel();
            waits.ForEach(static w => End(w.Wait));
            if (eager.Count == 0) return;
            if (round == EagerRoundsMax) throw Failure($"{string.Join(", ", eager)}: always ready to step, and each step finds nothing to do");
            while (StepOne(limit)) { }
        }
    }

    private const int EagerRoundsMax = 100;

    private static void End(Task wait)
    {
        // Completed or cancelled already, but perhaps still on its way through the thread pool.
        if (!((IAsyncResult)wait).AsyncWaitHandle.WaitOne(TimeSpan.FromSeconds(30))) throw new StepperException("a loop's wait ignored its cancellation");
        if (wait.IsFaulted) throw new StepperException("a loop's wait failed", wait.Exception);
    }

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private StepperException Failure(string what, Exception? cause = null) => new(
        $"{what}. Virtual time {clock.GetUtcNow():u}, {Steps} steps. The last that made progress:{Environment.NewLine}{string.Join(Environment.NewLine, _trace)}", cause);
}

/// <summary>A run that broke a bound or a rule of stepping; the message ends with the trace.</summary>
public sealed class StepperException(string message, Exception? cause = null) : Exception(message, cause);
