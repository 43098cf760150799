using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>What the server takes from outside.</summary>
public sealed record ApiServerOptions
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>For uids and for the ends of generated names. Given a seed, the same requests give the same objects.</summary>
    public Random Random { get; init; } = new();

    /// <summary>
    /// The revision before the first write. A server that keeps nothing across restarts should begin later than any of its
    /// predecessors ended (milliseconds of the clock do), so that a client's old resourceVersion is answered with 410.
    /// </summary>
    public long FirstRevision { get; init; } = 1;

    /// <summary>Changes remembered for each kind, for watches and continued lists that lag behind; then they get 410.</summary>
    public int LogCapacity { get; init; } = 16_384;

    /// <summary>
    /// Signs the tokens of service accounts: 32 secret bytes where anybody may present one. Empty makes a key from
    /// <see cref="Random"/>, which can be guessed: good enough where nobody but the owner can reach the server.
    /// </summary>
    public ReadOnlyMemory<byte> TokenKey { get; init; }

    /// <summary>Serves <c>pods/log</c>; null when no node runs pods.</summary>
    public IPodLogSource? PodLogs { get; init; }

    /// <summary>Serves <c>pods/exec</c> and <c>pods/attach</c>; null when no node runs pods.</summary>
    public IPodStreams? PodStreams { get; init; }

    /// <summary>
    /// Conversions between versions of custom resources, by the name of their definition (<c>mpijobs.kubeflow.org</c>); in a
    /// real cluster a webhook. Without one, versions differ in their <c>apiVersion</c> only.
    /// </summary>
    public ImmutableDictionary<string, ConvertResource> Converters { get; init; } = ImmutableDictionary<string, ConvertResource>.Empty;
}
