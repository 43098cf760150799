using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>
/// The simple JSON paths of printer columns and scale subresources: <c>.spec.a['b.c'][0]</c>, <c>[*]</c>, and filters by one
/// member, <c>.status.conditions[?(@.type=="Ready")].status</c>.
/// </summary>
internal sealed class JsonPath
{
    private readonly List<Func<JsonNode, IEnumerable<JsonNode?>>> _steps = [];

    private JsonPath() { }

    /// <summary>Member names, when the path consists of nothing else.</summary>
    public IReadOnlyList<string> Members { get; private set; } = [];

    public IEnumerable<JsonNode> Find(JsonNode root)
    {
        IEnumerable<JsonNode> found = [root];
        foreach (var step in _steps) found = found.SelectMany(n => step(n)).OfType<JsonNode>();
        return found;
    }

    /// <exception cref="FormatException">No such path.</exception>
    public static JsonPath Parse(string text)
    {
        var path = new JsonPath();
        var members = new List<string>();
        var at = 0;
        // Braces around the whole, and the leading dollar, are allowed and mean nothing.
        var body = text.Trim().TrimStart('{').TrimEnd('}').TrimStart('$');
        while (at < body.Length)
        {
            if (body[at] == '.')
            {
                var end = at + 1;
                while (end < body.Length && body[end] is not ('.' or '[')) end++;
                var name = body[(at + 1)..end].Replace("\\", "", StringComparison.Ordinal);
                if (name.Length > 0) path.Member(name, members);
                at = end;
            }
            else if (body[at] == '[')
            {
                var end = Closing(body, at);
                path.Bracket(body[(at + 1)..end].Trim(), members, text);
                at = end + 1;
            }
            else throw new FormatException($"\"{text}\" is no JSON path: a '.' or '[' is expected at \"{body[at..]}\"");
        }

        path.Members = members;
        return path;
    }

    private void Member(string name, List<string> members)
    {
        members.Add(name);
        _steps.Add(node => node is JsonObject tree && tree.TryGetPropertyValue(name, out var value) ? [value] : []);
    }

    private void Bracket(string inside, List<string> members, string text)
    {
        if (inside is ['\'', .., '\''] or ['"', .., '"']) Member(inside[1..^1], members);
        else if (inside == "*") _steps.Add(static node => node switch { JsonArray items => items, JsonObject tree => tree.Select(static m => m.Value), _ => [] });
        else if (int.TryParse(inside, out var index))
        {
            _steps.Add(node => node is JsonArray items && (index < 0 ? index + items.Count : index) is var i && i >= 0 && i < items.Count ? [items[i]] : []);
        }
        else if (inside.StartsWith("?(@", StringComparison.Ordinal) && inside.EndsWith(')') && inside.Split("==") is [var left, var right])
        {
            var member = left["?(@".Length..].Trim().TrimStart('.').Split('.');
            var wanted = right[..^1].Trim().Trim('"', '\'');
            _steps.Add(node => node is JsonArray items ? items.Where(i => i.At(member).Print() == wanted) : []);
        }
        else throw new FormatException($"\"{text}\" is no JSON path that is understood here: [{inside}]");
    }

    private static int Closing(string body, int open)
    {
        var quote = '\0';
        for (var i = open + 1; i < body.Length; i++)
        {
            if (quote != '\0') quote = body[i] == quote ? '\0' : quote;
            else if (body[i] is '\'' or '"') quote = body[i];
            else if (body[i] == ']') return i;
        }

        throw new FormatException($"\"{body}\" is no JSON path: ']' is missing");
    }
}
