using Kube.Client;

namespace Kube.Controllers;

public sealed record ControllerOptions
{
    /// <summary>How long a key waits after a failure.</summary>
    public Backoff Backoff { get; init; } = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(30));

    /// <summary>Told of each failure of a pass: the controller, the key, the cause and the wait that follows.</summary>
    public Action<string, string, Exception, TimeSpan>? OnFailure { get; init; }

    /// <summary>The name under which pods ask for this scheduler.</summary>
    public string SchedulerName { get; init; } = "default-scheduler";

    internal Action<TKey, Exception, TimeSpan>? Reporter<TKey>(string controller) where TKey : notnull =>
        OnFailure is { } report ? (key, cause, wait) => report(controller, key.ToString() ?? "", cause, wait) : null;

    internal Action<Types.ObjectKey, Exception, TimeSpan>? Reporter(string controller) => Reporter<Types.ObjectKey>(controller);
}
