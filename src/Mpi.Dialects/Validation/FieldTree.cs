using System.Collections.Frozen;

namespace Mpi.Dialects;

/// <summary>
/// What fields there are and what stands in them, read from a compact table: one type a line, then its fields as
/// <c>name:type</c>. A type is <c>s</c> (text, also when left out), <c>i</c> (integer), <c>b</c> (truth value), <c>q</c> (quantity),
/// <c>x</c> (integer or text), <c>any</c>, the name of another line, or one of these in <c>[ ]</c> (a list) or in <c>{ }</c> (a map).
/// </summary>
internal sealed class FieldTree
{
    private readonly FrozenDictionary<string, FrozenDictionary<string, FieldType>> _types;

    public FieldTree(string table)
    {
        var types = new Dictionary<string, FrozenDictionary<string, FieldType>>(StringComparer.Ordinal);
        foreach (var line in table.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            types.Add(words[0], words.Skip(1).Select(Field).ToFrozenDictionary(StringComparer.Ordinal));
        }

        _types = types.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The fields of a type.</summary>
    public FrozenDictionary<string, FieldType> this[string type] => _types[type];

    public IEnumerable<string> Types => _types.Keys;

    private static KeyValuePair<string, FieldType> Field(string word)
    {
        var colon = word.IndexOf(':');
        return colon < 0 ? new(word, new FieldType.Text()) : new(word[..colon], Type(word[(colon + 1)..]));
    }

    private static FieldType Type(string word) => word switch
    {
        "s" => new FieldType.Text(),
        "i" => new FieldType.Integer(),
        "b" => new FieldType.Flag(),
        "q" => new FieldType.Quantity(),
        "x" => new FieldType.IntegerOrText(),
        "any" => new FieldType.Anything(),
        ['[', .. var item, ']'] => new FieldType.List(Type(item)),
        ['{', .. var item, '}'] => new FieldType.Map(Type(item)),
        _ => new FieldType.Object(word),
    };
}

/// <summary>What may stand in a field.</summary>
internal abstract record FieldType
{
    private FieldType() { }

    public sealed record Text : FieldType;

    public sealed record Integer : FieldType;

    public sealed record Flag : FieldType;

    /// <summary>Text or a number, such as <c>500m</c>, <c>2</c>, <c>0.5</c>.</summary>
    public sealed record Quantity : FieldType;

    public sealed record IntegerOrText : FieldType;

    /// <summary>Not looked into.</summary>
    public sealed record Anything : FieldType;

    public sealed record List(FieldType Item) : FieldType;

    public sealed record Map(FieldType Value) : FieldType;

    /// <param name="Name">A line of the table.</param>
    public sealed record Object(string Name) : FieldType;
}
