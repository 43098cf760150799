using System.Buffers.Binary;

namespace Mpi.Agent.Roles;

/// <summary>
/// Frames as bytes: the length of what follows it (4 bytes, big-endian), the type (1), the session (4), the payload.
/// </summary>
public static class FrameFormat
{
    public const int HeaderLength = 9;

    /// <summary>A command line of a thousand hosts and its environment fit; nobody can ask for more memory than this.</summary>
    public const int LargestPayload = 256 * 1024;

    private const int LengthSize = 4;
    private const int FixedPart = HeaderLength - LengthSize;

    public static byte[] Write(in Frame frame)
    {
        if (frame.Payload.Length > LargestPayload) throw new ArgumentOutOfRangeException(nameof(frame), frame.Payload.Length, $"A frame holds {LargestPayload} bytes.");
        var bytes = new byte[HeaderLength + frame.Payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, FixedPart + frame.Payload.Length);
        bytes[LengthSize] = (byte)frame.Type;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(LengthSize + 1), frame.Session);
        frame.Payload.Span.CopyTo(bytes.AsSpan(HeaderLength));
        return bytes;
    }

    /// <summary>The whole length of the frame that begins here; 0 while its length is not known yet.</summary>
    /// <exception cref="ProtocolException">No frame begins so.</exception>
    public static int LengthOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < LengthSize) return 0;
        var length = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        if (length is < FixedPart or > FixedPart + LargestPayload) throw new ProtocolException($"a frame of {length} bytes");
        return LengthSize + (int)length;
    }

    /// <summary>Reads the frame at the beginning; null while not all of it is there.</summary>
    /// <exception cref="ProtocolException">No frame begins so.</exception>
    public static Frame? TryRead(ReadOnlySpan<byte> bytes, out int length)
    {
        length = LengthOf(bytes);
        // A wrong type is refused as soon as it is seen, before its payload is waited for.
        if (bytes.Length > LengthSize && bytes[LengthSize] is < (byte)FrameType.Hello or > (byte)FrameType.Opened) throw new ProtocolException($"a frame of type {bytes[LengthSize]}");
        if (length == 0 || bytes.Length < length) return null;
        return new Frame(
            (FrameType)bytes[LengthSize], BinaryPrimitives.ReadUInt32BigEndian(bytes[(LengthSize + 1)..]), bytes[HeaderLength..length].ToArray());
    }
}
