using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Text;

namespace Mpi.Agent.Roles;

/// <summary>Record types that are asked for (RFC 1035, RFC 3596).</summary>
internal enum DnsRecordType : ushort { A = 1, Aaaa = 28 }

/// <summary>
/// The little of DNS that finding an address needs (RFC 1035, 4): one question a message, addresses from the answer
/// section. CNAMEs need no following: a recursive server puts the whole chain into one answer.
/// </summary>
internal static class DnsMessage
{
    /// <summary>Without EDNS no answer over UDP is longer (RFC 1035, 4.2.1); servers that do not know this are humoured.</summary>
    public const int LargestDatagram = 4096;

    private const int HeaderLength = 12;
    private const ushort RecursionDesired = 0x0100;
    private const ushort ClassInternet = 1;
    private const int LongestLabel = 63;
    private const int LongestName = 253;

    /// <summary>The bytes of a question, or null when the name cannot be one of DNS.</summary>
    public static byte[]? Query(ushort id, string name, DnsRecordType type)
    {
        var labels = name.Split('.');
        if (name.Length is 0 or > LongestName || labels.Any(static l => l.Length is 0 or > LongestLabel || !Ascii.IsValid(l))) return null;

        var message = new byte[HeaderLength + name.Length + 2 + 4];
        BinaryPrimitives.WriteUInt16BigEndian(message, id);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), RecursionDesired);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(4), 1);
        var at = HeaderLength;
        foreach (var label in labels)
        {
            message[at++] = (byte)label.Length;
            at += Encoding.ASCII.GetBytes(label, message.AsSpan(at));
        }

        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(at + 1), (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(at + 3), ClassInternet);
        return message;
    }

    /// <summary>The addresses in an answer; null when the bytes are no answer to this question.</summary>
    public static ImmutableArray<IPAddress>? Answer(ReadOnlySpan<byte> message, ushort id, DnsRecordType type)
    {
        if (message.Length < HeaderLength || BinaryPrimitives.ReadUInt16BigEndian(message) != id || (message[2] & 0x80) == 0) return null;
        var questions = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        var answers = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
        var found = ImmutableArray.CreateBuilder<IPAddress>();
        var at = HeaderLength;
        for (var i = 0; i < questions; i++)
        {
            if (!SkipName(message, ref at) || (at += 4) > message.Length) return null;
        }

        // name, then type (2), class (2), time to live (4), length (2), data
        for (var i = 0; i < answers; i++)
        {
            if (!SkipName(message, ref at) || at + 10 > message.Length) break;
            var recordType = BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
            at += 10;
            if (at + length > message.Length) break;
            if (recordType == (ushort)type && length == (type == DnsRecordType.A ? 4 : 16)) found.Add(new IPAddress(message.Slice(at, length)));
            at += length;
        }

        return found.ToImmutable();
    }

    /// <summary>Whether an answer was cut off to fit a datagram (the TC bit).</summary>
    public static bool IsTruncated(ReadOnlySpan<byte> answer) => answer.Length > 2 && (answer[2] & 0x02) != 0;

    /// <summary>Labels up to an empty one, or up to a pointer, which ends a name (RFC 1035, 4.1.4).</summary>
    private static bool SkipName(ReadOnlySpan<byte> message, ref int at)
    {
        while (at < message.Length)
        {
            var length = message[at];
            if ((length & 0xC0) == 0xC0) return (at += 2) <= message.Length;
            at += 1 + length;
            if (length == 0) return true;
        }

        return false;
    }
}
