using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// An object's JSON and where in it the value of <c>metadata.resourceVersion</c> stands. The revision is known only inside
/// the store's lock: everything else is written out before, and there the digits alone are put in.
/// </summary>
internal readonly record struct StoredBytes(ReadOnlyMemory<byte> Utf8, int RevisionStart, int RevisionLength)
{
    /// <summary>Writes an object out. Its <c>metadata.resourceVersion</c> is replaced by an empty one, to be filled on commit.</summary>
    public static StoredBytes From(JsonObject tree)
    {
        tree.Object("metadata")["resourceVersion"] = "";
        var utf8 = tree.ToUtf8();
        var (start, length) = FindRevision(utf8);
        return new StoredBytes(utf8, start, length);
    }

    public StoredBytes WithRevision(long revision)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(revision, digits, out var count);
        var bytes = new byte[Utf8.Length - RevisionLength + count];
        Utf8.Span[..RevisionStart].CopyTo(bytes);
        digits[..count].CopyTo(bytes.AsSpan(RevisionStart));
        Utf8.Span[(RevisionStart + RevisionLength)..].CopyTo(bytes.AsSpan(RevisionStart + count));
        return new StoredBytes(bytes, RevisionStart, count);
    }

    /// <summary>Finds <c>{"metadata":{"resourceVersion":"here"}}</c>, wherever the two members stand.</summary>
    private static (int Start, int Length) FindRevision(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMetadata = reader.ValueTextEquals("metadata"u8);
            reader.Read();
            if (!isMetadata)
            {
                reader.Skip();
                continue;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isRevision = reader.ValueTextEquals("resourceVersion"u8);
                reader.Read();
                if (isRevision) return ((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
                reader.Skip();
            }
        }

        throw new InvalidOperationException("an object without metadata.resourceVersion reached the store");
    }
}
