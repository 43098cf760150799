namespace Mpi.Agent.Roles;

/// <summary>
/// When a worker dials its launcher, and by which route: results of tries go in, the next try comes out. Pure; deterministic
/// from its random source. Times count from any fixed start.
/// </summary>
public sealed class DialMachine(bool hasService, DialPace pace, Random jitter)
{
    private TimeSpan nextAt;
    private TimeSpan? eagerUntil;
    private int failures;
    private DialRoute route = hasService ? DialRoute.Service : DialRoute.Name;

    /// <summary>When to try next, and how.</summary>
    public (TimeSpan At, DialRoute Route) Next => (nextAt, route);

    /// <summary>A try came to nothing.</summary>
    /// <param name="answered">Whether something answered, though it refused: then the route leads somewhere.</param>
    public void Failed(TimeSpan now, bool answered)
    {
        failures++;
        // A Service address that nothing forwards is silent, or refused by some router on the way: the pod's own address is asked for.
        if (hasService && (!answered || failures % pace.RefusalsBeforeOtherRoute == 0)) route = route == DialRoute.Service ? DialRoute.Name : DialRoute.Service;
        nextAt = now + (now < eagerUntil ? pace.EagerPause : Pause());
    }

    /// <summary>A connection that was made has ended.</summary>
    /// <param name="farewell">What the launcher said; null when the connection broke.</param>
    public void Ended(TimeSpan now, Farewell? farewell)
    {
        failures = 0;
        // A gate that let its launcher through: that one will listen in a moment.
        eagerUntil = farewell == Farewell.GateOpened ? now + pace.EagerFor : null;
        nextAt = now + farewell switch
        {
            Farewell.GateOpened => pace.EagerPause,
            // Two of one name would else push each other out as fast as they can.
            Farewell.Superseded => pace.LongestPause,
            _ => pace.FirstPause,
        };
    }

    /// <summary>Doubling, and each shortened by up to half at random, so that the workers of a job spread out.</summary>
    private TimeSpan Pause()
    {
        var pause = pace.FirstPause * Math.Pow(2, Math.Min(failures - 1, 30));
        return (pause < pace.LongestPause ? pause : pace.LongestPause) * (0.5 + (jitter.NextDouble() / 2));
    }
}

public enum DialRoute
{
    /// <summary>The address of the job's Service, known before any pod was made.</summary>
    Service,

    /// <summary>The launcher pod's own address, asked for by its name.</summary>
    Name,
}

public sealed record DialPace
{
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>A launcher that begins to listen is dialled within this time.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Between tries just after a gate has opened,</summary>
    public TimeSpan EagerPause { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>and for how long: a launcher calls its workers within seconds of its start.</summary>
    public TimeSpan EagerFor { get; init; } = TimeSpan.FromSeconds(10);

    public int RefusalsBeforeOtherRoute { get; init; } = 5;
}
