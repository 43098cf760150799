using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Mpi.Agent.Roles;

/// <summary>Writes the fields of a payload: numbers big-endian, texts in UTF-8 behind their length.</summary>
internal sealed class PayloadWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public PayloadWriter Byte(byte value)
    {
        _bytes.Write([value]);
        return this;
    }

    public PayloadWriter Number(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.GetSpan(sizeof(uint)), value);
        _bytes.Advance(sizeof(uint));
        return this;
    }

    public PayloadWriter Bytes(ReadOnlySpan<byte> value)
    {
        _bytes.Write(value);
        return this;
    }

    public PayloadWriter Text(string value)
    {
        Number((uint)Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, _bytes);
        return this;
    }

    public PayloadWriter Texts(IReadOnlyCollection<string> values)
    {
        Number((uint)values.Count);
        foreach (var value in values) Text(value);
        return this;
    }

    public Frame ToFrame(FrameType type, uint session = 0) => new(type, session, _bytes.WrittenMemory);
}

/// <summary>Reads what <see cref="PayloadWriter"/> wrote; whatever does not fit is the sender's fault.</summary>
internal ref struct PayloadReader(ReadOnlySpan<byte> payload)
{
    private ReadOnlySpan<byte> _rest = payload;

    public byte Byte() => Bytes(1)[0];

    public uint Number() => BinaryPrimitives.ReadUInt32BigEndian(Bytes(sizeof(uint)));

    public ReadOnlySpan<byte> Bytes(int count)
    {
        if (count > _rest.Length) throw new ProtocolException("a payload that is too short");
        var bytes = _rest[..count];
        _rest = _rest[count..];
        return bytes;
    }

    public ReadOnlySpan<byte> Rest()
    {
        var bytes = _rest;
        _rest = default;
        return bytes;
    }

    public string Text()
    {
        var length = Number();
        if (length > (uint)_rest.Length) throw new ProtocolException("a text that is longer than its payload");
        return Encoding.UTF8.GetString(Bytes((int)length));
    }

    public string[] Texts()
    {
        var count = Number();
        // Each has its length at least: no count can ask for more memory than its payload has bytes.
        if (count > (uint)_rest.Length / sizeof(uint)) throw new ProtocolException("a list that is longer than its payload");
        var texts = new string[count];
        for (var i = 0; i < texts.Length; i++) texts[i] = Text();
        return texts;
    }

    public readonly void Done()
    {
        if (_rest.Length > 0) throw new ProtocolException("a payload that is too long");
    }
}
