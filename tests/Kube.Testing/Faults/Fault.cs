using Kube.Types;

namespace Kube.Testing;

/// <summary>What befalls a request.</summary>
public abstract record Fault
{
    private Fault() { }

    /// <summary>The server is never asked and this status comes back.</summary>
    public sealed record Refuse(ApiStatus Status) : Fault;

    /// <summary>The request never reaches the server.</summary>
    public sealed record Lose(Exception Cause) : Fault;

    /// <summary>The server does what was asked, and the answer never comes back.</summary>
    public sealed record LoseAnswer(Exception Cause) : Fault;

    /// <summary>A list is answered as it was answered the first time, by a server that lags behind. Other requests pass.</summary>
    public sealed record Outdated : Fault;

    public static Fault Conflict() => new Refuse(new ApiStatus(409, ApiReason.Conflict, "the object has been modified; please apply your changes to the latest version and try again"));
    public static Fault Gone() => new Refuse(new ApiStatus(410, ApiReason.Expired, "too old resource version"));
    public static Fault TooManyRequests(TimeSpan retryAfter) => new Refuse(new ApiStatus(429, ApiReason.TooManyRequests, "the server has received too many requests") { RetryAfter = retryAfter });
    public static Fault InternalError() => new Refuse(new ApiStatus(500, ApiReason.InternalError, "an injected internal error"));
    public static Fault Forbidden() => new Refuse(new ApiStatus(403, ApiReason.Forbidden, "exceeded quota: injected"));
    public static Fault Unavailable() => new Refuse(new ApiStatus(503, ApiReason.ServiceUnavailable, "an injected outage"));
    public static Fault Unreachable() => new Lose(new HttpRequestException("injected: connection refused"));

    /// <summary>A timeout of a request whose effect landed.</summary>
    public static Fault TimeoutAfterLanding() => new LoseAnswer(new HttpRequestException("injected: the connection was reset before the answer came"));
}

/// <summary>What befalls one event of a watch.</summary>
public abstract record WatchFault
{
    private WatchFault() { }

    /// <summary>The event never arrives, though the stream goes on: worse than a real server behaves.</summary>
    public sealed record Drop : WatchFault;

    /// <summary>The event arrives twice.</summary>
    public sealed record Duplicate : WatchFault;

    /// <summary>The event, and with it all later ones of its stream, arrives after a while.</summary>
    public sealed record Delay(TimeSpan By) : WatchFault;

    /// <summary>The stream ends before the event: a broken connection. The client must resume.</summary>
    public sealed record Cut : WatchFault;
}
