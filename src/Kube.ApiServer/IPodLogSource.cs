namespace Kube.ApiServer;

/// <summary>Where the logs of pods are: the node agent, in a real cluster the kubelet.</summary>
public interface IPodLogSource
{
    /// <summary>Opens a container's log. With <see cref="PodLogOptions.Follow"/> the stream ends when the container does.</summary>
    /// <exception cref="Kube.Types.ApiException">There is no such log (yet).</exception>
    ValueTask<Stream> OpenAsync(PodContainer container, PodLogOptions options, CancellationToken cancellation);
}

/// <param name="Follow">Go on as the container writes.</param>
/// <param name="Previous">The instance before the last restart.</param>
/// <param name="Timestamps">Begin each line with its time.</param>
/// <param name="TailLines">Only the last lines; null for all.</param>
/// <param name="LimitBytes">Stop after so many bytes; null for no limit.</param>
/// <param name="Since">Only lines written at this time or later; null for all.</param>
public sealed record PodLogOptions(bool Follow, bool Previous, bool Timestamps, long? TailLines, long? LimitBytes, DateTimeOffset? Since);
