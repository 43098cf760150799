using System.Globalization;
using System.Net;

namespace Kube.Nodes.Linux;

/// <summary>The addresses of a cluster's pods. The network exists in the cluster's own namespace only, so every cluster can use the same.</summary>
/// <param name="Base">The first address of the range, such as 10.244.0.0.</param>
/// <param name="PrefixLength">Bits of the range that are fixed: 16 gives 65,533 pods.</param>
public sealed record ClusterNetwork(IPAddress Base, int PrefixLength)
{
    public static readonly ClusterNetwork Default = new(new IPAddress([10, 244, 0, 0]), 16);

    /// <summary>The node's own address: the bridge's.</summary>
    public IPAddress Gateway => Address(1);

    /// <summary>How many pods can have an address at once.</summary>
    public int Capacity => (1 << (32 - PrefixLength)) - 3;

    /// <param name="index">0 for the first pod.</param>
    public IPAddress PodAddress(int index) => Address(index + 2);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Base}/{PrefixLength}");

    private IPAddress Address(int offset)
    {
        Span<byte> bytes = stackalloc byte[4];
        Base.TryWriteBytes(bytes, out _);
        var value = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes) + (uint)offset;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return new IPAddress(bytes);
    }
}
