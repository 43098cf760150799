using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Kube.Types;

/// <summary>Builds JSON trees from YAML's parser events, and notes where everything stands.</summary>
internal sealed class YamlReader
{
    private const string StringTag = "tag:yaml.org,2002:str";

    private readonly IParser _parser;
    private readonly Dictionary<string, Anchor> _anchors = new(StringComparer.Ordinal);
    private Dictionary<string, YamlPosition> _places = [];
    private int _nodes;

    private YamlReader(string text) => _parser = new YamlEvents(text);

    /// <summary>What an anchor names: the finished value, with the size that each alias of it adds.</summary>
    private sealed record Anchor(JsonNode? Value, int Nodes);

    public static IReadOnlyList<YamlDocument> Read(string text)
    {
        try
        {
            return new YamlReader(text).Documents();
        }
        catch (YamlException fault)
        {
            throw new YamlSyntaxException(Wording(fault, text), (int)fault.Start.Line, (int)fault.Start.Column);
        }
    }

    private List<YamlDocument> Documents()
    {
        var documents = new List<YamlDocument>();
        _parser.Consume<StreamStart>();
        while (!_parser.Accept<StreamEnd>(out _))
        {
            _parser.Consume<DocumentStart>();
            _anchors.Clear();
            _places = [];
            var start = _parser.Current!.Start;
            var root = Node("", 0);
            _parser.Consume<DocumentEnd>();
            if (root is null) continue;
            if (root is not JsonObject tree) throw Fault("a document must be an object with apiVersion and kind", start);
            Expand(tree, "", documents);
        }

        return documents;
    }

    private void Expand(JsonObject tree, string prefix, List<YamlDocument> documents)
    {
        var isList = tree["kind"] is JsonValue kind && kind.TryGetValue<string>(out var name) && name.EndsWith("List", StringComparison.Ordinal);
        if (!isList || tree["items"] is not JsonArray items)
        {
            documents.Add(new YamlDocument(tree, new YamlPositions(_places, prefix)));
            return;
        }

        var path = YamlPositions.Join(prefix, "items");
        for (var i = 0; i < items.Count; i++)
        {
            var at = YamlPositions.Join(path, i.ToString());
            if (items[i] is not JsonObject item)
            {
                var place = _places.GetValueOrDefault(at);
                throw new YamlSyntaxException("an item of a list must be an object with apiVersion and kind", place.Line, place.Column);
            }

            Expand((JsonObject)item.DeepClone(), at, documents);
        }
    }

    private JsonNode? Node(string path, int depth)
    {
        var current = _parser.Current!;
        _places.TryAdd(path, new YamlPosition((int)current.Start.Line, (int)current.Start.Column));
        if (depth > JsonLimits.DepthMax) throw Fault($"nested deeper than {JsonLimits.DepthMax} levels", current.Start);
        Count(1, current.Start);
        var before = _nodes;
        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            if (!_anchors.TryGetValue(alias.Value.Value, out var named)) throw Fault($"alias *{alias.Value.Value} names no anchor before it", alias.Start);
            Count(named.Nodes, alias.Start);
            return named.Value?.DeepClone();
        }

        var anchor = ((NodeEvent)current).Anchor;
        var value = current switch
        {
            Scalar => ScalarValue(_parser.Consume<Scalar>()),
            SequenceStart => Sequence(path, depth),
            _ => Mapping(path, depth),
        };
        if (!anchor.IsEmpty) _anchors[anchor.Value] = new Anchor(value?.DeepClone(), _nodes - before);
        return value;
    }

    private JsonArray Sequence(string path, int depth)
    {
        _parser.Consume<SequenceStart>();
        var items = new JsonArray();
        while (!_parser.TryConsume<SequenceEnd>(out _)) items.Add(Node(YamlPositions.Join(path, items.Count.ToString()), depth + 1));
        return items;
    }

    private JsonObject Mapping(string path, int depth)
    {
        _parser.Consume<MappingStart>();
        var members = new JsonObject();
        var merged = new List<JsonObject>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            if (!_parser.TryConsume<Scalar>(out var key)) throw Fault("a key must be a plain word or text", _parser.Current!.Start);
            if (key is { Value: "<<", Style: ScalarStyle.Plain } && Merge(path, depth, merged)) continue;
            var name = KeyText(key);
            var at = YamlPositions.Join(path, name);
            var place = new YamlPosition((int)key.Start.Line, (int)key.Start.Column);
            if (members.ContainsKey(name))
            {
                throw new YamlSyntaxException($"key \"{name}\" stands twice (first at {_places[at]})", place.Line, place.Column);
            }

            _places[at] = place;
            members[name] = Node(at, depth + 1);
        }

        // Members written here win over merged ones, wherever the merge stands; of merged maps the first wins.
        foreach (var (name, value) in merged.SelectMany(static m => m))
        {
            if (!members.ContainsKey(name)) members[name] = value?.DeepClone();
        }

        return members;
    }

    /// <summary>Reads <c>&lt;&lt;: *base</c> or <c>&lt;&lt;: [*a, *b]</c>.</summary>
    private bool Merge(string path, int depth, List<JsonObject> merged)
    {
        var start = _parser.Current!.Start;
        switch (Node(YamlPositions.Join(path, "<<"), depth + 1))
        {
            case JsonObject map:
                merged.Add(map);
                return true;
            case JsonArray maps when maps.All(static m => m is JsonObject):
                merged.AddRange(maps.Cast<JsonObject>());
                return true;
            default:
                throw Fault("map merge requires a map or a list of maps as the value of <<", start);
        }
    }

    private static JsonNode? ScalarValue(Scalar scalar)
    {
        var tag = scalar.Tag.IsEmpty ? "" : scalar.Tag.Value;
        if (scalar.Style != ScalarStyle.Plain || tag == StringTag || tag == "!") return JsonValue.Create(scalar.Value);
        var value = YamlScalar.Resolve(scalar.Value, out var fault);
        return fault is null ? value : throw Fault(fault, scalar.Start);
    }

    /// <summary>JSON's keys are text: a number or boolean becomes the text that JSON would print for it.</summary>
    private static string KeyText(Scalar key) => ScalarValue(key) switch
    {
        null => throw Fault("a key must not be null; quote it if it is meant as text", key.Start),
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        var other => other.ToJsonString(),
    };

    private void Count(int nodes, Mark at)
    {
        _nodes += nodes;
        if (_nodes > Yaml.NodesMax) throw Fault($"the document holds, aliases followed, more than {Yaml.NodesMax} values", at);
    }

    private static YamlSyntaxException Fault(string fault, Mark at) => new(fault, (int)at.Line, (int)at.Column);

    /// <summary>The parser's words, and what most often lies behind them.</summary>
    private static string Wording(YamlException fault, string text)
    {
        var words = fault.Message.TrimEnd('.');
        var tab = Array.FindIndex(text.Split('\n'), static l => l.TrimStart(' ').StartsWith('\t') && !string.IsNullOrWhiteSpace(l));
        return tab < 0 ? words : $"{words} (line {tab + 1} is indented by a tab; YAML indents by blanks only)";
    }
}
