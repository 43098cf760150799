using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Reads objects in Kubernetes' protobuf form, in which kubectl sends what its <c>create</c> commands make. Only reading: every
/// client that sends it takes JSON for an answer.
/// </summary>
internal ref struct ProtobufReader
{
    /// <summary>An object begins with these four bytes, then the message <c>runtime.Unknown</c>.</summary>
    private static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    private const int DepthMax = 64;
    private ReadOnlySpan<byte> _rest;

    private ProtobufReader(ReadOnlySpan<byte> bytes) => _rest = bytes;

    public static bool IsProtobuf(ReadOnlySpan<byte> body) => body.StartsWith(Magic);

    /// <exception cref="FormatException">The bytes are damaged, or their type is not known here.</exception>
    public static JsonObject Read(ReadOnlySpan<byte> body)
    {
        var envelope = new ProtobufReader(body[Magic.Length..]);
        ReadOnlySpan<byte> type = [], raw = [];
        while (envelope.Next(out var number, out var wire))
        {
            if (number == 1) type = envelope.Bytes();
            else if (number == 2) raw = envelope.Bytes();
            else envelope.Skip(wire);
        }

        var (apiVersion, kind) = ("", "");
        var meta = new ProtobufReader(type);
        while (meta.Next(out var number, out var wire))
        {
            if (number == 1) apiVersion = Encoding.UTF8.GetString(meta.Bytes());
            else if (number == 2) kind = Encoding.UTF8.GetString(meta.Bytes());
            else meta.Skip(wire);
        }

        var shape = ShapeCatalog.Find(apiVersion.StartsWith("events.k8s.io/", StringComparison.Ordinal) ? $"events.{kind}" : kind) ?? throw new FormatException($"no kind \"{kind}\" is known in the protobuf form: send it as JSON");
        var tree = new JsonObject { ["kind"] = kind, ["apiVersion"] = apiVersion };
        Message(raw, shape, tree, 0);
        return tree;
    }

    private static void Message(ReadOnlySpan<byte> bytes, Shape shape, JsonObject into, int depth)
    {
        if (depth > DepthMax) throw new FormatException("the message is nested too deeply");
        var reader = new ProtobufReader(bytes);
        while (reader.Next(out var number, out var wire))
        {
            if (!shape.Numbers.TryGetValue(number, out var member)) reader.Skip(wire);
            else if (member.IsEmbedded) Message(reader.Bytes(), member.Type.Shape!, into, depth + 1);
            else if (member.Type.ListOf is { } item) into.Array(member.Name).Add(reader.Value(item, depth));
            else if (member.Type.MapOf is { } entry) reader.Entry(entry, into.Object(member.Name), depth);
            else
            {
                var value = reader.Value(member.Type, depth);
                if (member.KeepsZero || !IsZero(value)) into[member.Name] = value;
            }
        }
    }

    private void Entry(ShapeType type, JsonObject map, int depth)
    {
        var key = "";
        var entry = new ProtobufReader(Bytes());
        JsonNode? value = null;
        while (entry.Next(out var number, out var wire))
        {
            if (number == 1) key = Encoding.UTF8.GetString(entry.Bytes());
            else if (number == 2) value = entry.Value(type, depth);
            else entry.Skip(wire);
        }

        map[key] = value ?? "";
    }

    private JsonNode? Value(ShapeType type, int depth)
    {
        if (type.Shape is { } shape)
        {
            var tree = new JsonObject();
            Message(Bytes(), shape, tree, depth + 1);
            return tree;
        }

        if (type.ListOf is { } item) return Wrapped(item, depth);
        return type.Scalar switch
        {
            "bool" => Varint() != 0,
            "int32" or "int64" or "int" => (long)Varint(),
            "float64" => BitConverter.UInt64BitsToDouble(Fixed64()),
            "bytes" => Convert.ToBase64String(Bytes()),
            "Time" => Time(micro: false),
            "MicroTime" => Time(micro: true),
            "Duration" => (long)Varint(),
            "Quantity" => Text(1),
            "IntOrString" => IntOrString(),
            "Raw" => JsonTree.Read(Bytes().ToArray(), null),
            _ => Encoding.UTF8.GetString(Bytes()),
        };
    }

    /// <summary>A list as a map's value is a message of its own, with the items as its first member.</summary>
    private JsonArray Wrapped(ShapeType item, int depth)
    {
        var items = new JsonArray();
        var reader = new ProtobufReader(Bytes());
        while (reader.Next(out var number, out var wire))
        {
            if (number == 1) items.Add(reader.Value(item, depth));
            else reader.Skip(wire);
        }

        return items;
    }

    private string Text(int wanted)
    {
        var text = "";
        var reader = new ProtobufReader(Bytes());
        while (reader.Next(out var number, out var wire))
        {
            if (number == wanted) text = Encoding.UTF8.GetString(reader.Bytes());
            else reader.Skip(wire);
        }

        return text;
    }

    private JsonNode IntOrString()
    {
        var reader = new ProtobufReader(Bytes());
        var (isText, number, text) = (false, 0L, "");
        while (reader.Next(out var member, out var wire))
        {
            if (member == 1) isText = reader.Varint() == 1;
            else if (member == 2) number = (int)reader.Varint();
            else if (member == 3) text = Encoding.UTF8.GetString(reader.Bytes());
            else reader.Skip(wire);
        }

        return isText ? text : number;
    }

    /// <summary>A time; null for the zero time, which is an empty message.</summary>
    private string? Time(bool micro)
    {
        var reader = new ProtobufReader(Bytes());
        long? seconds = null;
        var nanos = 0L;
        while (reader.Next(out var member, out var wire))
        {
            if (member == 1) seconds = (long)reader.Varint();
            else if (member == 2) nanos = (int)reader.Varint();
            else reader.Skip(wire);
        }

        if (seconds is null) return null;
        var time = DateTimeOffset.FromUnixTimeSeconds(seconds.Value).AddTicks(nanos / 100);
        return micro ? KubeTime.FormatMicro(time) : KubeTime.Format(time);
    }

    private static bool IsZero(JsonNode? value) =>
        value is null || value.Text() is "" || value.Integer() is 0 || value.Flag() is false;

    private bool Next(out int number, out int wire)
    {
        (number, wire) = (0, 0);
        if (_rest.IsEmpty) return false;
        var tag = Varint();
        (number, wire) = ((int)(tag >> 3), (int)(tag & 7));
        return true;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (_rest.IsEmpty) throw Damaged();
            var next = _rest[0];
            _rest = _rest[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        throw Damaged();
    }

    private ReadOnlySpan<byte> Bytes()
    {
        var length = Varint();
        if (length > (ulong)_rest.Length) throw Damaged();
        var bytes = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return bytes;
    }

    private ulong Fixed64()
    {
        if (_rest.Length < sizeof(ulong)) throw Damaged();
        var value = BinaryPrimitives.ReadUInt64LittleEndian(_rest);
        _rest = _rest[sizeof(ulong)..];
        return value;
    }

    private void Skip(int wire)
    {
        switch (wire)
        {
            case 0:
                Varint();
                break;
            case 1:
                Fixed64();
                break;
            case 2:
                Bytes();
                break;
            case 5 when _rest.Length >= sizeof(uint):
                _rest = _rest[sizeof(uint)..];
                break;
            default:
                throw Damaged();
        }
    }

    private static FormatException Damaged() => new("the protobuf message is damaged");
}
