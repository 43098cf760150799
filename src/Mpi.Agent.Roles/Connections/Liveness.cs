namespace Mpi.Agent.Roles;

/// <summary>
/// Whether the other side of a connection still lives: after a silence it is asked for a sign, and without one it is lost. A
/// node that vanished closes no connections; only this notices. Times count from any fixed start. Pure.
/// </summary>
public sealed class Liveness(LivenessPace pace, TimeSpan now)
{
    private TimeSpan heardAt = now;
    private TimeSpan? askedAt;

    /// <summary>Anything came from the other side.</summary>
    public void Heard(TimeSpan at)
    {
        heardAt = at;
        askedAt = null;
    }

    public LivenessStep Step(TimeSpan at)
    {
        if (at - heardAt >= pace.LostAfter) return new LivenessStep(Ask: false, Lost: true, at);
        var nextAsk = (askedAt ?? heardAt) + pace.AskAfter;
        var ask = at >= nextAsk;
        if (ask) askedAt = at;
        var lostAt = heardAt + pace.LostAfter;
        var askAt = (askedAt ?? heardAt) + pace.AskAfter;
        return new LivenessStep(ask, Lost: false, askAt < lostAt ? askAt : lostAt);
    }
}

/// <param name="Ask">A ping is due.</param>
/// <param name="Lost">The other side is lost.</param>
/// <param name="WakeAt">When to step again.</param>
public readonly record struct LivenessStep(bool Ask, bool Lost, TimeSpan WakeAt);

/// <param name="AskAfter">The silence after which a sign of life is asked for, again and again.</param>
/// <param name="LostAfter">The silence after which the other side is lost: long enough for a machine that is short of everything.</param>
public sealed record LivenessPace(TimeSpan AskAfter, TimeSpan LostAfter)
{
    public static readonly LivenessPace Default = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(20));
}
