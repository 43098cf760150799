using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>
/// Merges an applied configuration into the live object: leaves of the configuration win, members and items of either stay,
/// and lists keep the configuration's order of what both have. Arguments stay as they are.
/// </summary>
internal static class FieldMerging
{
    /// <exception cref="FieldTypeException">An item of a list cannot be told from the others.</exception>
    public static JsonObject Merge(JsonObject live, JsonObject config, FieldType type) => (JsonObject)Both(live, config, type)!;

    private static JsonNode? Both(JsonNode? live, JsonNode? config, FieldType type) => type.FormOf(config) switch
    {
        FieldForm.Map when config is JsonObject given && !type.Map!.IsAtomic => Members(live as JsonObject ?? [], given, type.Map),
        FieldForm.List when config is JsonArray given && !type.List!.IsAtomic => Items(live as JsonArray ?? [], given, type.List),
        // No word about a map or list that merges leaves it.
        FieldForm.Map when config is null && !type.Map!.IsAtomic && live is JsonObject { Count: > 0 } => live.DeepClone(),
        FieldForm.List when config is null && !type.List!.IsAtomic && live is JsonArray { Count: > 0 } => live.DeepClone(),
        _ => config?.DeepClone(),
    };

    private static JsonObject Members(JsonObject live, JsonObject config, MapType type)
    {
        var merged = new JsonObject();
        foreach (var (name, value) in live)
        {
            merged[name] = config.TryGetPropertyValue(name, out var given) ? Both(value, given, type.TypeOf(name) ?? FieldType.Deduced) : value?.DeepClone();
        }

        foreach (var (name, given) in config)
        {
            if (!live.ContainsKey(name)) merged[name] = given?.DeepClone();
        }

        return merged;
    }

    /// <summary>
    /// Walks both lists at once. Items that the live list alone has keep their place before the shared item that follows them;
    /// shared items stand in the configuration's order.
    /// </summary>
    private static JsonArray Items(JsonArray live, JsonArray config, ListType type)
    {
        var (liveItems, configItems) = (KeyedItems.Read(live, type), KeyedItems.Read(config, type));
        var (left, right) = (liveItems.Steps, configItems.Steps);
        var shared = new Queue<FieldStep>(right.Where(step => liveItems.Of(step).Count > 0));
        var merged = new HashSet<FieldStep>();
        var result = new JsonArray();
        var (l, r) = (0, 0);
        while (l < left.Count || r < right.Count)
        {
            if (l < left.Count && r < right.Count)
            {
                if (left[l] == right[r])
                {
                    Take(right[r]);
                    l++;
                    continue;
                }

                // A shared item whose turn has not come: it is taken where the configuration has it.
                if (configItems.Of(left[l]).Count > 0 && shared.TryPeek(out var next) && next != left[l])
                {
                    l++;
                    continue;
                }
            }

            if (l < left.Count)
            {
                if (configItems.Of(left[l]).Count == 0)
                {
                    result.Add(live[l]?.DeepClone());
                    l++;
                    continue;
                }

                if (merged.Contains(left[l])) l++;
            }

            if (r < right.Count) Take(right[r]);
        }

        return result;

        void Take(FieldStep step)
        {
            merged.Add(step);
            // Of live items of one key none is the one that is meant.
            var counterpart = liveItems.Of(step) is [var only] ? only : null;
            var item = configItems.Of(step)[0];
            result.Add(counterpart is null ? item?.DeepClone() : Both(counterpart, item, type.Items));
            if (shared.TryPeek(out var next) && next == step) shared.Dequeue();
            r++;
        }
    }
}
