using System.Buffers;
using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>One entry of <c>metadata.managedFields</c>: who owns which fields, by which kind of request.</summary>
/// <param name="Manager">The program's name.</param>
/// <param name="IsApply">By apply, else by update.</param>
/// <param name="ApiVersion">The version in which the fields are named.</param>
/// <param name="Subresource">Empty for the object itself.</param>
/// <param name="Time">As it is written; empty for none.</param>
internal sealed record FieldOwner(string Manager, bool IsApply, string ApiVersion, string Subresource, string Time, FieldSet Fields)
{
    public string Operation => IsApply ? "Apply" : "Update";

    /// <summary>Whether both are entries of the same owner: an applier keeps its entry when it changes versions, an updater has one for each.</summary>
    public bool IsSameOwner(FieldOwner other) =>
        Manager == other.Manager && IsApply == other.IsApply && Subresource == other.Subresource && (IsApply || ApiVersion == other.ApiVersion);
}

/// <summary>All of an object's <c>metadata.managedFields</c>. Immutable.</summary>
internal sealed class ManagedFields
{
    public static readonly ManagedFields None = new([]);

    /// <summary>Sets are nested a little deeper than the objects whose fields they name.</summary>
    private static readonly JsonReaderOptions Reading = new() { MaxDepth = 512 };

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public ManagedFields(ImmutableArray<FieldOwner> owners) => Owners = owners;

    public ImmutableArray<FieldOwner> Owners { get; }
    public bool IsEmpty => Owners.IsEmpty;

    /// <summary>From what this server wrote.</summary>
    public static ManagedFields FromStored(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty) return None;
        var reader = new Utf8JsonReader(utf8, Reading);
        return Read(ref reader, trusted: true);
    }

    /// <summary>From what a client sent; null where that is no list of entries as they must be, which then counts for nothing.</summary>
    public static ManagedFields? FromClient(JsonNode given)
    {
        try
        {
            var reader = new Utf8JsonReader(given.ToUtf8(), Reading);
            return Read(ref reader, trusted: false);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public FieldOwner? Find(FieldOwner like) => Owners.FirstOrDefault(o => o.IsSameOwner(like));

    /// <summary>With this entry in the place of its owner's, without any for it when it holds no field.</summary>
    public ManagedFields With(FieldOwner owner)
    {
        var others = Owners.RemoveAll(o => o.IsSameOwner(owner));
        return new ManagedFields(owner.Fields.IsEmpty ? others : others.Add(owner));
    }

    /// <summary>Equal but for the times.</summary>
    public bool HasSameFields(ManagedFields other) =>
        Owners.Length == other.Owners.Length && Owners.All(o => other.Find(o) is { } same && same.ApiVersion == o.ApiVersion && same.Fields.Equals(o.Fields));

    /// <summary>In the order in which Kubernetes lists entries: applies first, then by time, then by name.</summary>
    public byte[] ToUtf8()
    {
        if (IsEmpty) return [];
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            writer.WriteStartArray();
            foreach (var owner in Owners.Sort(static (a, b) => Order(a).CompareTo(Order(b)))) Write(writer, owner);
            writer.WriteEndArray();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static OwnerOrder Order(FieldOwner o) => new(o.Operation, o.Time, o.Manager, o.ApiVersion, o.Subresource);

    private static void Write(Utf8JsonWriter writer, FieldOwner owner)
    {
        writer.WriteStartObject();
        writer.WriteString("manager"u8, owner.Manager);
        writer.WriteString("operation"u8, owner.Operation);
        writer.WriteString("apiVersion"u8, owner.ApiVersion);
        if (owner.Time.Length > 0) writer.WriteString("time"u8, owner.Time);
        writer.WriteString("fieldsType"u8, "FieldsV1"u8);
        writer.WritePropertyName("fieldsV1"u8);
        FieldSetText.Write(writer, owner.Fields);
        if (owner.Subresource.Length > 0) writer.WriteString("subresource"u8, owner.Subresource);
        writer.WriteEndObject();
    }

    private static ManagedFields Read(ref Utf8JsonReader reader, bool trusted)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray) throw new FormatException("managedFields is no list");
        var fields = None;
        var owners = ImmutableArray.CreateBuilder<FieldOwner>();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var owner = Entry(ref reader, trusted);
            if (trusted) owners.Add(owner);
            else fields = fields.With(owner);
        }

        if (reader.TokenType != JsonTokenType.EndArray) throw new FormatException("an entry is no object");
        return trusted ? new ManagedFields(owners.ToImmutable()) : fields;
    }

    private static FieldOwner Entry(ref Utf8JsonReader reader, bool trusted)
    {
        var (manager, operation, apiVersion, subresource, time, type) = ("", "", "", "", "", "");
        var fields = FieldSet.Empty;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("fieldsV1"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.Null) fields = FieldSetText.Read(ref reader, trusted);
            }
            else if (reader.ValueTextEquals("manager"u8)) manager = Text(ref reader);
            else if (reader.ValueTextEquals("operation"u8)) operation = Text(ref reader);
            else if (reader.ValueTextEquals("apiVersion"u8)) apiVersion = Text(ref reader);
            else if (reader.ValueTextEquals("subresource"u8)) subresource = Text(ref reader);
            else if (reader.ValueTextEquals("time"u8)) time = Text(ref reader);
            else if (reader.ValueTextEquals("fieldsType"u8)) type = Text(ref reader);
            else throw new FormatException("an entry has a member that none has");
        }

        if (operation is not ("Apply" or "Update")) throw new FormatException("operation must be `Apply` or `Update`");
        if (apiVersion.Length == 0) throw new FormatException("apiVersion must not be empty");
        if (type != "FieldsV1") throw new FormatException("fieldsType must be `FieldsV1`");
        return new FieldOwner(manager, operation == "Apply", apiVersion, subresource, time, fields);
    }

    private static string Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType switch
        {
            JsonTokenType.String => reader.GetString()!,
            JsonTokenType.Null => "",
            _ => throw new FormatException("an entry's member is no text"),
        };
    }

    private readonly record struct OwnerOrder(string Operation, string Time, string Manager, string ApiVersion, string Subresource) : IComparable<OwnerOrder>
    {
        public int CompareTo(OwnerOrder other)
        {
            var order = string.CompareOrdinal(Operation, other.Operation);
            if (order == 0) order = string.CompareOrdinal(Time, other.Time);
            if (order == 0) order = string.CompareOrdinal(Manager, other.Manager);
            if (order == 0) order = string.CompareOrdinal(ApiVersion, other.ApiVersion);
            return order == 0 ? string.CompareOrdinal(Subresource, other.Subresource) : order;
        }
    }
}
