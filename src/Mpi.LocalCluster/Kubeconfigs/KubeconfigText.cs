using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.LocalCluster;

/// <summary>
/// Adds the local cluster to the text of a kubeconfig and takes it out again. Everything else in the text stays as it is: other
/// clusters, fields that we do not know, comments, layout. Entries of ours are known by an extension (the API's own place for such
/// things, which kubectl keeps when it rewrites the file), so that those of a cluster that is long gone are replaced, and those of
/// somebody else who likes the same name are not.
/// </summary>
public static class KubeconfigText
{
    /// <summary>The name of context, cluster and user.</summary>
    public const string Name = "kubempi";

    private const string ExtensionName = "kubempi.dev/local-cluster";
    private static readonly (string List, string Member)[] Lists = [("clusters", "cluster"), ("users", "user"), ("contexts", "context")];

    /// <param name="text">What the file holds; empty for a new one.</param>
    /// <returns>The new text, and whether the context was made the current one, because there was none.</returns>
    /// <exception cref="KubeconfigException">The text cannot be read, or the name is taken.</exception>
    public static (string Text, bool IsCurrent) Add(string text, KubeconfigEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var clean = Remove(text);
        var before = Tree(clean);
        foreach (var (list, _) in Lists)
        {
            if (Find(before, list, static _ => true) is not null) throw new KubeconfigException($"its {list} have a \"{Name}\" that is not the local cluster's");
        }

        var current = before["current-context"] is not JsonValue value || value.ToString().Length == 0;
        var expected = (JsonObject)before.DeepClone();
        var after = clean;
        if (MarkedYaml.Read(clean) is not MarkedYaml.Map)
        {
            after = (clean.Length == 0 || clean.EndsWith('\n') ? clean : clean + "\n") + "apiVersion: v1\nkind: Config\n";
            expected = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Config" };
        }

        foreach (var (list, member) in Lists)
        {
            var item = new JsonObject { ["name"] = Name, [member] = entry.Part(member) };
            after = Insert(after, list, item);
            expected[list] = new JsonArray([item, .. (expected[list] as JsonArray ?? []).Select(static i => i?.DeepClone())]);
        }

        if (current)
        {
            after = Set(after, "current-context", Name);
            expected["current-context"] = Name;
        }

        return (Checked(after, expected), current);
    }

    /// <summary>Takes out what <see cref="Add"/> has put in. A current-context that would lead nowhere is emptied.</summary>
    /// <exception cref="KubeconfigException">The text cannot be read.</exception>
    public static string Remove(string text)
    {
        var expected = Tree(text);
        var after = text;
        foreach (var (list, member) in Lists)
        {
            while (Find(expected, list, item => IsOurs(item, member)) is { } index)
            {
                ((JsonArray)expected[list]!).RemoveAt(index);
                after = Cut(after, list, index);
            }
        }

        if (after == text) return text;
        if (expected["current-context"]?.ToString() == Name && Find(expected, "contexts", static _ => true) is null)
        {
            expected["current-context"] = "";
            after = Set(after, "current-context", "");
        }

        return Checked(after, expected);
    }

    /// <summary>Whether nothing is described any more: a file that was made for the local cluster alone.</summary>
    public static bool IsEmpty(string text)
    {
        var tree = Tree(text);
        return Lists.All(l => tree[l.List] is null or JsonArray { Count: 0 }) && tree["current-context"]?.ToString() is null or "";
    }

    private static JsonObject Tree(string text)
    {
        try
        {
            var documents = Yaml.Read(text);
            return documents.Count == 0 ? [] : documents[0].Root;
        }
        catch (YamlSyntaxException fault)
        {
            throw new KubeconfigException($"it cannot be read: {fault.Message}");
        }
    }

    private static int? Find(JsonObject tree, string list, Func<JsonObject, bool> which)
    {
        if (tree[list] is not JsonArray items) return null;
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i] is JsonObject item && item["name"]?.ToString() == Name && which(item)) return i;
        }

        return null;
    }

    private static bool IsOurs(JsonObject item, string member) =>
        item[member] is JsonObject part && part["extensions"] is JsonArray extensions && extensions.Any(static e => e is JsonObject extension && extension["name"]?.ToString() == ExtensionName);

    /// <summary>An edit of a text can go wrong in ways that nobody thought of; then the file is left alone.</summary>
    private static string Checked(string text, JsonObject expected) =>
        JsonNode.DeepEquals(Tree(text), expected) ? text : throw new KubeconfigException("its layout is one that cannot be edited without rewriting the whole file");

    private static string Insert(string text, string key, JsonObject item)
    {
        var root = Root(text);
        switch (root[key])
        {
            case null when root.IsFlow:
                return text.Insert(root.Start + 1, $"\"{key}\": [{Flow(item)}]{(root.Members.Count > 0 ? ", " : "")}");
            case null:
                return EndLine(text, root.End, out var end).Insert(end, $"{Indent(text, root.Start)}{key}:\n{Block(item, Indent(text, root.Start))}");
            case MarkedYaml.List { IsFlow: false, Items.Count: > 0 } list:
                return text.Insert(LineStart(text, list.Start), Block(item, Indent(text, list.Start)));
            case MarkedYaml.List { Items.Count: > 0 } list:
                return text.Insert(list.Start + 1, Flow(item) + ", ");
            case MarkedYaml.List or MarkedYaml.Scalar { IsNull: true } when root.IsFlow:
                return Replace(text, root, key, $" [{Flow(item)}]");
            case MarkedYaml.List or MarkedYaml.Scalar { IsNull: true }:
                return Replace(text, root, key, "\n" + Block(item, Indent(text, root.Start)).TrimEnd('\n'));
            default:
                throw new KubeconfigException($"its {key} are no list");
        }
    }

    private static string Set(string text, string key, string value)
    {
        var root = Root(text);
        var written = value.Length == 0 || root.IsFlow ? $"\"{value}\"" : value;
        return root[key] switch
        {
            null when root.IsFlow => text.Insert(root.Start + 1, $"\"{key}\": {written}{(root.Members.Count > 0 ? ", " : "")}"),
            null => EndLine(text, root.End, out var end).Insert(end, $"{Indent(text, root.Start)}{key}: {written}\n"),
            MarkedYaml.Scalar => Replace(text, root, key, " " + written),
            _ => throw new KubeconfigException($"its {key} is no text"),
        };
    }

    private static string Cut(string text, string key, int index)
    {
        var root = Root(text);
        var list = (MarkedYaml.List)root[key]!;
        if (list.Items.Count == 1) return list.IsFlow ? Replace(text, root, key, " []") : Replace(EndLine(text, list.End, out _), root, key, " []");
        var item = list.Items[index];
        if (list.IsFlow)
        {
            var isLast = index == list.Items.Count - 1;
            var (from, to) = isLast ? (list.Items[index - 1].End, item.End) : (item.Start, list.Items[index + 1].Start);
            return text.Remove(from, to - from);
        }

        var hyphen = LineStart(text, text.LastIndexOf('-', item.Start - 1));
        var whole = EndLine(text, item.End, out var end);
        return whole.Remove(hyphen, end - hyphen);
    }

    /// <summary>Puts a value in the place of the one that is there, whatever its layout; what follows on its last line stays.</summary>
    private static string Replace(string text, MarkedYaml.Map root, string key, string value)
    {
        var member = root.Members.First(m => m.Key.Value == key);
        var colon = text.IndexOf(':', member.Key.End) + 1;
        return string.Concat(text.AsSpan(0, colon), value, text.AsSpan(Math.Max(colon, member.Value.End)));
    }

    private static MarkedYaml.Map Root(string text) =>
        MarkedYaml.Read(text) as MarkedYaml.Map ?? throw new KubeconfigException("it is no map of fields");

    private static string Block(JsonObject item, string indent)
    {
        var lines = Yaml.Write(System.Text.Json.JsonElement.Parse(new JsonArray(item.DeepClone()).ToUtf8())).TrimEnd('\n').Split('\n');
        var text = new StringBuilder();
        foreach (var line in lines) text.Append(indent).Append(line).Append('\n');
        return text.ToString();
    }

    private static string Flow(JsonObject item) => Encoding.UTF8.GetString(item.ToUtf8());

    private static string Indent(string text, int at) => new(' ', at - LineStart(text, at));

    private static int LineStart(string text, int at) => at == 0 ? 0 : text.LastIndexOf('\n', at - 1) + 1;

    /// <summary>The offset behind the line feed that ends the line of a place; the text with one where the last line has none.</summary>
    private static string EndLine(string text, int at, out int end)
    {
        // A block of text ends where the next line begins.
        if (at > 0 && text[at - 1] == '\n')
        {
            end = at;
            return text;
        }

        var feed = text.IndexOf('\n', at);
        var whole = feed < 0 ? text + "\n" : text;
        end = feed < 0 ? whole.Length : feed + 1;
        return whole;
    }

    internal static JsonArray Extensions(string state) =>
        [(JsonNode)new JsonObject { ["name"] = ExtensionName, ["extension"] = new JsonObject { ["provider"] = "kubempi", ["state"] = state } }];
}

/// <summary>What a kubeconfig has to say of the local cluster.</summary>
/// <param name="State">The cluster's folder on this machine.</param>
public sealed record KubeconfigEntry(Uri Server, string AuthorityPem, string Token, string State)
{
    internal JsonObject Part(string member) => member switch
    {
        "cluster" => new()
        {
            ["server"] = Server.GetLeftPart(UriPartial.Authority),
            ["certificate-authority-data"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(AuthorityPem)),
            ["extensions"] = KubeconfigText.Extensions(State),
        },
        "user" => new() { ["token"] = Token, ["extensions"] = KubeconfigText.Extensions(State) },
        _ => new() { ["cluster"] = KubeconfigText.Name, ["user"] = KubeconfigText.Name, ["namespace"] = "default", ["extensions"] = KubeconfigText.Extensions(State) },
    };
}

/// <summary>A kubeconfig that cannot be written to; the message goes on from "FILE: ".</summary>
public sealed class KubeconfigException(string message) : Exception(message);
