using Kube.Types;

namespace Kube.Client;

/// <summary>
/// An open watch. Reading is split in two, so that a <see cref="ILoop"/> can take what has arrived without waiting.
/// One reader at a time.
/// </summary>
public interface IWatch : IAsyncDisposable
{
    /// <summary>Takes the next event that has arrived. False: none has, or the stream has ended (<see cref="Ended"/>).</summary>
    /// <exception cref="ApiException">The server sent an ERROR event, 410 Gone above all.</exception>
    bool TryRead(out WatchEvent change);

    /// <summary>Whether the server closed the stream and every event was taken.</summary>
    bool Ended { get; }

    /// <summary>What broke the stream; null while it is open, and when the server closed it properly.</summary>
    Exception? Failure { get; }

    /// <summary>Completes when an event has arrived or the stream has ended.</summary>
    ValueTask WaitAsync(CancellationToken cancellation);
}

/// <summary>One change. A bookmark's object carries nothing but its resourceVersion. <see cref="Malformed"/> names an event that could not be read; its object then holds what metadata could be.</summary>
public readonly record struct WatchEvent(WatchEventType Type, KubeObject Object, string? Malformed = null);

public enum WatchEventType { Added, Modified, Deleted, Bookmark }
