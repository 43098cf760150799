using System.Text.Json.Nodes;

namespace Kube.Types;

/// <summary>
/// Kubernetes' strategic merge patch: a merge patch in which the lists of built-in kinds merge by key (containers by name), steered by
/// the directives <c>$patch</c>, <c>$retainKeys</c>, <c>$setElementOrder/LIST</c> and <c>$deleteFromPrimitiveList/LIST</c>.
/// Pure: arguments stay as they are and share nothing with the result.
/// </summary>
public static class StrategicMergePatch
{
    private const string Directive = "$patch";
    private const string RetainKeys = "$retainKeys";
    private const string OrderPrefix = "$setElementOrder/";
    private const string DeletePrefix = "$deleteFromPrimitiveList/";

    /// <summary>Custom resources take no strategic merge patch: the API answers 415 Unsupported Media Type.</summary>
    public static bool Supports(ResourceKind kind) => PatchSchema.TryFind(kind, out _);

    /// <exception cref="PatchException">The patch is malformed.</exception>
    /// <exception cref="NotSupportedException">The kind takes no strategic merge patch (<see cref="Supports"/>).</exception>
    public static JsonObject Apply(JsonObject target, JsonObject patch, ResourceKind kind)
    {
        if (!PatchSchema.TryFind(kind, out var schema)) throw new NotSupportedException($"{kind} takes no strategic merge patch");
        return MergeObject(target, patch, schema);
    }

    private static JsonObject MergeObject(JsonObject? target, JsonObject patch, PatchSchema schema)
    {
        switch (DirectiveOf(patch))
        {
            case "replace":
                var replacement = (JsonObject)patch.DeepClone();
                replacement.Remove(Directive);
                return replacement;
            case "delete":
                return [];
            case null or "merge":
                break;
            case var other:
                throw Malformed($"unknown patch type: {other}");
        }

        var result = target is null ? [] : (JsonObject)target.DeepClone();
        Retain(result, patch);
        foreach (var (name, value) in patch)
        {
            if (name is Directive or RetainKeys) continue;
            if (name.StartsWith(DeletePrefix, StringComparison.Ordinal)) DeletePrimitives(result, name[DeletePrefix.Length..], value);
            else if (name.StartsWith(OrderPrefix, StringComparison.Ordinal)) OrderAlone(result, patch, name[OrderPrefix.Length..], value, schema);
            else if (value is null) result.Remove(name);
            else result[name] = MergeMember(result[name], value, schema.Member(name), patch[OrderPrefix + name], name);
        }

        return result;
    }

    private static JsonNode? MergeMember(JsonNode? target, JsonNode value, PatchMember member, JsonNode? order, string name)
    {
        switch (value)
        {
            case JsonObject changes:
                return MergeObject(target as JsonObject, changes, member.Schema);
            case JsonArray items when member.MergeKey is { } key:
                var old = target as JsonArray ?? [];
                return Ordered(MergeItems(old, items, key, member.Schema, name), old, order, item => KeyOf(item, key));
            case JsonArray items when member.MergesPrimitives:
                var before = target as JsonArray ?? [];
                return Ordered(Union(before, items), before, order, static item => item?.ToJsonString());
            default:
                return value.DeepClone();
        }
    }

    /// <summary>Merges a list of keyed objects: an item with a known key merges into its counterpart, others are appended.</summary>
    private static JsonArray MergeItems(JsonArray target, JsonArray patch, string key, PatchSchema item, string name)
    {
        foreach (var change in patch)
        {
            // { $patch: replace } among the items: the others become the whole list.
            if (change is JsonObject whole && DirectiveOf(whole) == "replace" && whole[key] is null)
            {
                return Clones(patch.Where(other => other != change));
            }
        }

        var result = Clones(target);
        foreach (var change in patch)
        {
            if (change is not JsonObject changes) throw Malformed($"{name}: an item is no object");
            var id = KeyOf(changes, key) ?? throw Malformed($"{name}: map: {changes.ToJsonString()} does not contain declared merge key: {key}");
            var index = IndexOf(result, id, key);
            switch (DirectiveOf(changes))
            {
                case "delete":
                    for (; index >= 0; index = IndexOf(result, id, key)) result.RemoveAt(index);
                    break;
                case "replace" when index >= 0:
                    result[index] = MergeObject(null, changes, item);
                    break;
                default:
                    var merged = MergeObject(index >= 0 ? (JsonObject)result[index]! : null, changes, item);
                    if (index >= 0) result[index] = merged;
                    else result.Add((JsonNode)merged);
                    break;
            }
        }

        return result;
    }

    private static JsonArray Union(JsonArray target, JsonArray patch)
    {
        var result = Clones(target);
        foreach (var value in patch)
        {
            if (!result.Any(present => JsonNode.DeepEquals(present, value))) result.Add(value?.DeepClone());
        }

        return result;
    }

    private static void DeletePrimitives(JsonObject result, string name, JsonNode? values)
    {
        if (values is not JsonArray unwanted) throw Malformed($"{DeletePrefix}{name} is no list");
        if (result[name] is not JsonArray present) return;
        result[name] = Clones(present.Where(value => !unwanted.Any(u => JsonNode.DeepEquals(u, value))));
    }

    /// <summary>An order that comes without a change of its list still orders it.</summary>
    private static void OrderAlone(JsonObject result, JsonObject patch, string name, JsonNode? order, PatchSchema schema)
    {
        if (patch.ContainsKey(name) || result[name] is not JsonArray present) return;
        var member = schema.Member(name);
        result[name] = Ordered(Clones(present), present, order, item => member.MergeKey is { } key ? KeyOf(item, key) : item?.ToJsonString());
    }

    /// <summary>
    /// Items that the order names stand in that order. The others, which only the server has, keep their own order, each placed
    /// before the first named item that followed it on the server.
    /// </summary>
    private static JsonArray Ordered(JsonArray merged, JsonArray server, JsonNode? order, Func<JsonNode?, string?> identify)
    {
        if (order is null) return merged;
        if (order is not JsonArray wanted) throw Malformed("$setElementOrder is no list");
        var rank = Ranks(wanted, identify);
        var serverRank = Ranks(server, identify);
        int Place(JsonNode? item) => serverRank.GetValueOrDefault(identify(item) ?? "", -1);

        var named = new Queue<JsonNode?>(merged.Where(i => rank.ContainsKey(identify(i) ?? "")).OrderBy(i => rank[identify(i) ?? ""]));
        var others = new Queue<JsonNode?>(merged.Where(i => !rank.ContainsKey(identify(i) ?? "")).OrderBy(Place));
        var result = new List<JsonNode?>();
        while (named.Count > 0 && others.Count > 0)
        {
            var (other, next) = (Place(others.Peek()), Place(named.Peek()));
            result.Add(other >= 0 && next >= 0 && other < next ? others.Dequeue() : named.Dequeue());
        }

        return Clones([.. result, .. named, .. others]);
    }

    private static Dictionary<string, int> Ranks(JsonArray items, Func<JsonNode?, string?> identify)
    {
        var ranks = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < items.Count; i++) ranks.TryAdd(identify(items[i]) ?? "", i);
        return ranks;
    }

    /// <summary><c>$retainKeys</c> clears what it does not name, so that a changed union (a volume's source) drops its old arm.</summary>
    private static void Retain(JsonObject result, JsonObject patch)
    {
        if (!patch.TryGetPropertyValue(RetainKeys, out var list)) return;
        if (list is not JsonArray names) throw Malformed($"{RetainKeys} is no list");
        var retained = names.Select(static n => n is JsonValue v && v.TryGetValue<string>(out var text) ? text : "").ToHashSet(StringComparer.Ordinal);
        foreach (var member in patch)
        {
            if (!member.Key.StartsWith('$') && member.Value is not null && !retained.Contains(member.Key))
            {
                throw Malformed($"{RetainKeys} does not name {member.Key}, which the patch sets");
            }
        }

        foreach (var name in result.Select(static m => m.Key).Where(n => !retained.Contains(n)).ToList()) result.Remove(name);
    }

    private static string? DirectiveOf(JsonObject patch) =>
        patch[Directive] is not { } value ? null : value is JsonValue text && text.TryGetValue<string>(out var directive) ? directive : throw Malformed($"{Directive} is no text");

    /// <summary>Keys may be numbers (ports): their JSON text identifies them.</summary>
    private static string? KeyOf(JsonNode? item, string key) => item is JsonObject members && members[key] is { } value ? value.ToJsonString() : null;

    private static int IndexOf(JsonArray items, string id, string key)
    {
        for (var i = 0; i < items.Count; i++)
        {
            if (KeyOf(items[i], key) == id) return i;
        }

        return -1;
    }

    private static JsonArray Clones(IEnumerable<JsonNode?> items) => [.. items.Select(static i => i?.DeepClone())];

    private static PatchException Malformed(string why) => new($"invalid strategic merge patch: {why}", malformed: true);
}
