using Kube.Nodes.Images;

namespace Kube.Nodes.Linux;

/// <summary>One run of a container: what was begun, and what came of it so far.</summary>
internal sealed class ContainerRun(string id, string folder, ContainerLog log, BackOff backOff)
{
    /// <summary>Unique among all runs of all pods; stands in <c>containerID</c>.</summary>
    public string Id => id;

    /// <summary>The run's folder inside the sandbox.</summary>
    public string Folder => folder;

    public ContainerLog Log => log;

    /// <summary>The back-off that counts once this run has begun.</summary>
    public BackOff BackOff => backOff;

    /// <summary>Preparation and start, up to the moment when the command runs or was refused.</summary>
    public required Task<RunStart> Starting { get; init; }

    /// <summary>Set as soon as there is a process.</summary>
    public RunningContainer? Container { get; set; }

    public void Dispose() => Container?.Dispose();
}

/// <summary>What came of starting a run.</summary>
internal abstract record RunStart
{
    private RunStart() { }

    public sealed record Running : RunStart;

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
