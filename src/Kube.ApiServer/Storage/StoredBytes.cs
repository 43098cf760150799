using System.Buffers;
using System.Buffers.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// An object's JSON and where in it the value of <c>metadata.resourceVersion</c> stands. The revision is known only inside
/// the store's lock: everything else is written out before, and there the digits alone are put in. The object's owners
/// (<c>managedFields</c>) stand right behind it: most who read the object do not look at them, and pass them by.
/// </summary>
internal readonly record struct StoredBytes(ReadOnlyMemory<byte> Utf8, int RevisionStart, int RevisionLength, int OwnersLength)
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static ReadOnlySpan<byte> OwnersName => ",\"managedFields\":"u8;

    /// <summary>The list of owners as JSON; empty for none.</summary>
    public ReadOnlyMemory<byte> Owners => OwnersLength == 0 ? default : Utf8.Slice(RevisionEnd + OwnersName.Length, OwnersLength);

    /// <summary>Behind the quote that ends the revision; where there is none, where it would be.</summary>
    private int RevisionEnd => RevisionStart + RevisionLength + 1;

    /// <summary>Writes an object out, with an empty <c>metadata.resourceVersion</c> that is filled on commit.</summary>
    /// <param name="owners">In place of the tree's own <c>managedFields</c>.</param>
    /// <param name="isNew">Of an object that is not stored: without any revision.</param>
    public static StoredBytes From(JsonObject tree, ReadOnlySpan<byte> owners, bool isNew = false)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var revision = 0;
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in tree)
            {
                writer.WritePropertyName(name);
                if (name == "metadata") revision = WriteMetadata(writer, value!.AsObject(), owners, isNew);
                else Write(writer, value);
            }

            writer.WriteEndObject();
        }

        return new StoredBytes(buffer.WrittenSpan.ToArray(), revision, 0, owners.Length);
    }

    /// <summary>A stored object, or one that only might be, in another form: its tree, with its revision and its owners.</summary>
    public static ReadOnlyMemory<byte> Reformed(JsonObject tree, StoredObject obj) =>
        obj.Revision == 0 ? From(tree, obj.Bytes.Owners.Span, isNew: true).Utf8 : From(tree, obj.Bytes.Owners.Span).WithRevision(obj.Revision).Utf8;

    public StoredBytes WithRevision(long revision)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(revision, digits, out var count);
        var bytes = new byte[Utf8.Length - RevisionLength + count];
        Utf8.Span[..RevisionStart].CopyTo(bytes);
        digits[..count].CopyTo(bytes.AsSpan(RevisionStart));
        Utf8.Span[(RevisionStart + RevisionLength)..].CopyTo(bytes.AsSpan(RevisionStart + count));
        return this with { Utf8 = bytes, RevisionLength = count };
    }

    /// <summary>Reads the object without its owners.</summary>
    public JsonObject ReadTree()
    {
        if (OwnersLength == 0) return JsonTree.Read(Utf8);
        var skipped = OwnersName.Length + OwnersLength;
        var buffer = ArrayPool<byte>.Shared.Rent(Utf8.Length - skipped);
        try
        {
            Utf8.Span[..RevisionEnd].CopyTo(buffer);
            Utf8.Span[(RevisionEnd + skipped)..].CopyTo(buffer.AsSpan(RevisionEnd));
            return JsonTree.Read(buffer.AsMemory(0, Utf8.Length - skipped));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static int WriteMetadata(Utf8JsonWriter writer, JsonObject metadata, ReadOnlySpan<byte> owners, bool isNew)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in metadata)
        {
            if (name is "resourceVersion" or "managedFields") continue;
            writer.WritePropertyName(name);
            Write(writer, value);
        }

        if (!isNew) writer.WriteString("resourceVersion"u8, ""u8);
        var revision = (int)(writer.BytesCommitted + writer.BytesPending) - 1;
        if (!owners.IsEmpty)
        {
            writer.WritePropertyName("managedFields"u8);
            writer.WriteRawValue(owners, skipInputValidation: true);
        }

        writer.WriteEndObject();
        return revision;
    }

    private static void Write(Utf8JsonWriter writer, JsonNode? value)
    {
        if (value is null) writer.WriteNullValue();
        else value.WriteTo(writer);
    }
}
