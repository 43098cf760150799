using System.Buffers.Binary;
using System.Net;

namespace Kube.Nodes.Virtual;

/// <summary>Hands out the addresses of a range, each to one holder at a time. Given back, an address is the last to be handed out again.</summary>
internal sealed class AddressPool(IPNetwork range)
{
    private readonly Dictionary<string, uint> _held = new(StringComparer.Ordinal);
    private readonly Queue<uint> _returned = new();
    private uint _next = 1;

    private readonly uint _size = range.PrefixLength >= 31 ? 0 : (uint)((1UL << (32 - range.PrefixLength)) - 1);

    /// <exception cref="InvalidOperationException">Every address is held.</exception>
    public string Hold(string holder)
    {
        if (_held.TryGetValue(holder, out var known)) return Text(known);
        if (_next < _size) known = _next++;
        else if (!_returned.TryDequeue(out known)) throw new InvalidOperationException($"all {_size} addresses of {range} are in use; give the virtual nodes a larger range");
        _held[holder] = known;
        return Text(known);
    }

    public void Return(string holder)
    {
        if (_held.Remove(holder, out var number)) _returned.Enqueue(number);
    }

    private string Text(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        range.BaseAddress.TryWriteBytes(bytes, out _);
        BinaryPrimitives.WriteUInt32BigEndian(bytes, BinaryPrimitives.ReadUInt32BigEndian(bytes) + number);
        return new IPAddress(bytes).ToString();
    }
}
