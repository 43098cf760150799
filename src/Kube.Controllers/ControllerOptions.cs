using System.Collections.Immutable;
using Kube.Client;

namespace Kube.Controllers;

public sealed record ControllerOptions
{
    /// <summary>How long a key waits after a failure.</summary>
    public Backoff Backoff { get; init; } = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(30));

    /// <summary>Told of each failure of a pass: the controller, the key, the cause and the wait that follows.</summary>
    public Action<string, string, Exception, TimeSpan>? OnFailure { get; init; }

    /// <summary>The scheduler of pods that name none.</summary>
    public const string DefaultScheduler = "default-scheduler";

    /// <summary>The names under which pods ask for this scheduler: its own, and those of the schedulers of gangs that it stands in for.</summary>
    public ImmutableHashSet<string> SchedulerNames { get; init; } = [DefaultScheduler, "volcano", "kube-batch", "scheduler-plugins-scheduler"];

    internal Action<TKey, Exception, TimeSpan>? Reporter<TKey>(string controller) where TKey : notnull =>
        OnFailure is { } report ? (key, cause, wait) => report(controller, key.ToString() ?? "", cause, wait) : null;

    internal Action<Types.ObjectKey, Exception, TimeSpan>? Reporter(string controller) => Reporter<Types.ObjectKey>(controller);
}
