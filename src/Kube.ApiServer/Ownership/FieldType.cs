using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// How a value merges and is owned: whole, member by member, or item by item. One view of what <see cref="Shape"/> says of
/// built-in kinds and <see cref="Schema"/> of custom resources; where neither says a type, a value may be of several forms.
/// </summary>
internal sealed class FieldType
{
    /// <summary>The JSON type of a plain value; empty for any.</summary>
    public string? Scalar { get; init; }

    public MapType? Map { get; init; }
    public ListType? List { get; init; }

    /// <summary>Replaced whole, whatever it is: the items of lists about which nothing is known.</summary>
    public static readonly FieldType Whole = MakeWhole();

    /// <summary>Of values about whose content nothing is known: lists are replaced whole, objects merge.</summary>
    public static readonly FieldType Deduced = MakeDeduced();

    /// <summary>In which of its forms a type takes a value; null and absent values take the first there is.</summary>
    public FieldForm FormOf(JsonNode? value) => value switch
    {
        JsonObject when Map is not null => FieldForm.Map,
        JsonArray when List is not null => FieldForm.List,
        JsonValue when Scalar is not null => FieldForm.Scalar,
        _ => Map is not null ? FieldForm.Map : Scalar is not null ? FieldForm.Scalar : FieldForm.List,
    };

    private static FieldType MakeWhole()
    {
        var (list, map) = (new ListType(), new MapType { IsAtomic = true });
        var whole = new FieldType { Scalar = "", List = list, Map = map };
        (list.Items, map.Elements) = (whole, whole);
        return whole;
    }

    private static FieldType MakeDeduced()
    {
        var map = new MapType();
        var deduced = new FieldType { Scalar = "", List = new ListType { Items = Whole }, Map = map };
        map.Elements = deduced;
        return deduced;
    }
}

internal enum FieldForm { Scalar, Map, List }

/// <summary>An object: its named members, and the type of the others (null: there may be none).</summary>
internal sealed class MapType
{
    public FrozenDictionary<string, FieldType> Members { get; set; } = FrozenDictionary<string, FieldType>.Empty;
    public FieldType? Elements { get; set; }
    public bool IsAtomic { get; init; }

    public FieldType? TypeOf(string name) => Members.GetValueOrDefault(name) ?? Elements;
}

/// <summary>A list: replaced whole, a set of plain values, or a map whose keys stand in its items.</summary>
internal sealed class ListType
{
    public FieldType Items { get; set; } = null!;
    public bool IsAtomic => !IsSet && Keys.IsEmpty;
    public bool IsSet { get; init; }

    /// <summary>In the order of their names.</summary>
    public ImmutableArray<string> Keys { get; init; } = [];

    /// <summary>What stands for a key that an item leaves out.</summary>
    public FrozenDictionary<string, JsonNode> KeyDefaults { get; set; } = FrozenDictionary<string, JsonNode>.Empty;

    /// <summary>What tells this item from the others.</summary>
    /// <exception cref="FieldTypeException">The item cannot be told.</exception>
    public FieldStep StepOf(JsonNode? item, int index)
    {
        if (IsSet)
        {
            return item switch
            {
                null => throw new FieldTypeException($"element {index}: associative list without keys has an element that's an explicit null"),
                JsonObject => throw new FieldTypeException($"element {index}: associative list without keys has an element that's a map type"),
                JsonArray => throw new FieldTypeException($"element {index}: not supported: associative list with lists as elements"),
                _ => FieldStep.Value(item),
            };
        }

        if (IsAtomic) return FieldStep.Index(index);
        if (item is null) throw new FieldTypeException($"element {index}: associative list with keys may not have a null element");
        if (item is not JsonObject members) throw new FieldTypeException($"element {index}: associative list with keys may not have non-map elements");
        return FieldStep.Keys(Keys.Select(key => KeyValuePair.Create(key, members.TryGetPropertyValue(key, out var value) ? value
            : KeyDefaults.TryGetValue(key, out var preset) ? preset
            : throw new FieldTypeException($"element {index}: associative list with keys has an element that omits key field \"{key}\" (and doesn't have default value)"))));
    }
}

/// <summary>A value that does not fit its type, so that nobody can be said to own its parts.</summary>
internal sealed class FieldTypeException(string message) : Exception(message);
