using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>Fields on their way from one version to another.</summary>
internal static class JobFields
{
    private static readonly string[] ContainerLists = ["initContainers", "containers"];

    /// <summary>Members as they are; those that are absent stay absent.</summary>
    public static void Copy(JsonElement from, JsonObject to, params ReadOnlySpan<string> members)
    {
        foreach (var member in members) Put(to, member, from.At(member));
    }

    public static void Put(JsonObject to, string member, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Undefined) to[member] = value.ToTree();
    }

    /// <summary>An object with anything in it.</summary>
    public static void PutFilled(JsonObject to, string member, JsonObject value)
    {
        if (value.Count > 0) to[member] = value;
    }

    /// <summary>
    /// A pod template as the stored version has it. ksonnet's prototypes wrote a <c>command</c> as one text (<see cref="WordsOf"/>). Numbers among the words
    /// are words.
    /// </summary>
    public static JsonNode? Template(JsonElement template)
    {
        var tree = template.ToTree();
        foreach (var list in ContainerLists)
        {
            if (PodSpec(tree)?[list] is not JsonArray containers) continue;
            foreach (var container in containers.OfType<JsonObject>())
            {
                MendCommand(container);
                MendWords(container, "command");
                MendWords(container, "args");
            }
        }

        return tree;
    }

    public static JsonObject? PodSpec(JsonNode? template) => (template as JsonObject)?["spec"] as JsonObject;

    public static JsonObject? ContainerZero(JsonNode? template) =>
        PodSpec(template)?["containers"] is JsonArray { Count: > 0 } containers ? containers[0] as JsonObject : null;

    /// <summary>Old workers without a command slept, whatever their arguments said; in the stored version arguments alone go to the image's own program.</summary>
    public static JsonNode? SleepingWorker(JsonNode? template)
    {
        if (ContainerZero(template) is { } container && container["command"] is not JsonArray { Count: > 0 }) container.Remove("args");
        return template;
    }

    /// <summary>The commands of a template that are one text: the list that the container stands in, its place there, and the text.</summary>
    public static IEnumerable<(string List, int Index, string Text)> TextCommands(JsonElement template)
    {
        foreach (var list in ContainerLists)
        {
            var index = 0;
            foreach (var container in template.Items("spec", list))
            {
                if (container.Text("command") is { } text) yield return (list, index, text);
                index++;
            }
        }
    }

    /// <summary>What a command that is one text means: its commas part the words; nothing, and the word <c>null</c>, are none.</summary>
    public static ImmutableArray<string> WordsOf(string command) => command is "" or "null" ? [] : [.. command.Split(',')];

    private static void MendCommand(JsonObject container)
    {
        if (!container.TryGetPropertyValue("command", out var command)) return;
        if (command is null) container.Remove("command");
        else if (command is JsonValue value && value.TryGetValue<string>(out var text))
        {
            if (WordsOf(text) is { IsEmpty: false } words) container["command"] = words.ToTree();
            else container.Remove("command");
        }
    }

    private static void MendWords(JsonObject container, string member)
    {
        if (container[member] is not JsonArray words) return;
        for (var index = 0; index < words.Count; index++)
        {
            if (words[index] is JsonValue value && value.GetValueKind() is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False) words[index] = words[index]!.ToJsonString();
        }
    }
}
