namespace Mpi.Operator;

/// <summary>Whether this process may write, and for how long a write begun now may take.</summary>
public interface ILeadership
{
    /// <summary>
    /// True while the renew deadline has not passed. A write begun then must have ended within <paramref name="timeLeft"/>:
    /// by the end of that time another process may lead.
    /// </summary>
    bool MayWrite(out TimeSpan timeLeft);
}

/// <summary>The only operator there is, in a local cluster: it leads always.</summary>
public sealed class SoleLeader : ILeadership
{
    public static readonly SoleLeader Instance = new();

    public bool MayWrite(out TimeSpan timeLeft)
    {
        timeLeft = TimeSpan.MaxValue;
        return true;
    }
}

/// <summary>A write was refused because this process does not lead (any more). Nothing was sent.</summary>
public sealed class NotLeadingException() : Exception("this process does not hold the lease, so it writes nothing");
