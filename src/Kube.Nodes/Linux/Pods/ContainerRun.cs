using Kube.Nodes.Images;

namespace Kube.Nodes.Linux;

/// <summary>One run of a container: what was begun, and what came of it so far.</summary>
internal sealed class ContainerRun(string id, string folder, ContainerLog log, BackOff backOff, CancellationToken nodeStopping) : IDisposable
{
    private readonly CancellationTokenSource _stopping = CancellationTokenSource.CreateLinkedTokenSource(nodeStopping);
    private bool _disposed;

    /// <summary>Unique among all runs of all pods; stands in <c>containerID</c>.</summary>
    public string Id => id;

    /// <summary>The run's folder inside the sandbox.</summary>
    public string Folder => folder;

    public ContainerLog Log => log;

    /// <summary>The back-off that counts once this run has begun.</summary>
    public BackOff BackOff => backOff;

    /// <summary>Preparation, start and postStart hook, up to the moment when the container counts as running or was refused.</summary>
    public Task<RunStart> Starting { get; set; } = Task.FromResult<RunStart>(new RunStart.Running());

    /// <summary>What holds the run to its limits; null where nothing does.</summary>
    public ContainerGroup? Group { get; set; }

    /// <summary>Set as soon as there is a process.</summary>
    public RunningContainer? Container { get; set; }

    /// <summary>Ends what prepares the run and what runs beside it. Outlives the run.</summary>
    public CancellationToken Stopping => _disposed ? new CancellationToken(canceled: true) : _stopping.Token;

    /// <summary>Ends the run at once, whether or not there is a process yet.</summary>
    public void Abort()
    {
        if (_disposed) return;
        _stopping.Cancel();
        Container?.Kill();
    }

    public void Dispose()
    {
        if (_disposed) return;
        _stopping.Cancel();
        _disposed = true;
        _stopping.Dispose();
        Container?.Dispose();
    }
}

/// <summary>What came of starting a run.</summary>
internal abstract record RunStart
{
    private RunStart() { }

    public sealed record Running : RunStart;

    /// <summary>The command runs, but its postStart hook failed: it must go.</summary>
    public sealed record HookFailed(string Message) : RunStart;

    /// <summary>The command does not exist or cannot be run: the run is over.</summary>
    public sealed record Refused(string Message) : RunStart;

    /// <summary>Something is missing around it: there was no run, and another try may go better.</summary>
    /// <param name="Reason">The waiting reason.</param>
    public sealed record Hindered(string Reason, string Message) : RunStart;

    /// <summary>The failures that a start can have, as the kubelet sorts them.</summary>
    public static RunStart From(Exception failure) => failure switch
    {
        ImageException => new Hindered("ErrImagePull", failure.Message),
        MissingReferenceException => new Hindered("CreateContainerConfigError", failure.Message),
        _ => new Hindered("CreateContainerError", failure.Message),
    };
}
