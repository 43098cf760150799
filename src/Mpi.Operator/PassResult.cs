namespace Mpi.Operator;

/// <summary>What a pass asks of the work queue.</summary>
public abstract record PassResult
{
    private PassResult() { }

    /// <summary>Nothing until an event comes.</summary>
    public static readonly PassResult Done = new Rest();

    /// <summary>At once, with what was found out.</summary>
    public static readonly PassResult Again = new Repeat();

    public static PassResult RevisitAt(DateTimeOffset at) => new Later(at);

    /// <summary>After the key's back-off, or longer where the server asked for it; <paramref name="cause"/> for its wishes.</summary>
    public static PassResult Retry(Exception? cause) => new BackOff(cause);

    public sealed record Rest : PassResult;

    public sealed record Repeat : PassResult;

    public sealed record Later(DateTimeOffset At) : PassResult;

    public sealed record BackOff(Exception? Cause) : PassResult;
}
