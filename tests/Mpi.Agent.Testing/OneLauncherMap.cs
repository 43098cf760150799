using System.Collections.Immutable;
using System.Net;
using Kube.Testing;

namespace Mpi.Agent.Testing;

/// <summary>One launcher, which is reached through its job's Service or under its own name.</summary>
internal sealed class OneLauncherMap(VirtualClock clock) : INetworkMap
{
    /// <summary>The launcher's pod.</summary>
    public const string Launcher = "launcher";

    public static readonly IPAddress Service = IPAddress.Parse("10.96.0.9");
    public static readonly IPAddress Address = IPAddress.Parse("10.244.0.7");

    /// <summary>Whether anything forwards the Service's address; else packets to it vanish.</summary>
    public bool ServiceForwards { get; init; } = true;

    /// <summary>Until then DNS says that there is no such name.</summary>
    public DateTimeOffset NamesKnownAt { get; init; }

    public string? PodAt(IPAddress address) => address.Equals(Address) || (address.Equals(Service) && ServiceForwards) ? Launcher : null;

    public IPAddress AddressOf(string pod) => Address;

    public ImmutableArray<IPAddress> Resolve(string host) => clock.GetUtcNow() >= NamesKnownAt ? [Address] : [];
}
