using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Which fields a write added, removed and modified, by the rules of structured-merge-diff: leaves by their values, and every
/// place that came or went as a whole. Both objects are of the same type and version.
/// </summary>
internal sealed class FieldComparison
{
    private readonly FieldSet.Builder _added = new();
    private readonly FieldSet.Builder _removed = new();
    private readonly FieldSet.Builder _modified = new();
    private readonly List<FieldStep> _path = [];

    private FieldComparison() { }

    public FieldSet Added { get; private init; } = FieldSet.Empty;
    public FieldSet Removed { get; private init; } = FieldSet.Empty;
    public FieldSet Modified { get; private init; } = FieldSet.Empty;

    /// <summary>What the writer now owns: what it added or modified.</summary>
    public FieldSet Written => Added.Union(Modified);

    /// <exception cref="FieldTypeException">One of the objects does not fit the type.</exception>
    public static FieldComparison Of(JsonObject before, JsonObject after, FieldType type)
    {
        var walk = new FieldComparison();
        walk.Compare(new Slot(before), new Slot(after), type);
        return new FieldComparison { Added = walk._added.ToSet(), Removed = walk._removed.ToSet(), Modified = walk._modified.ToSet() };
    }

    /// <summary>The same without some fields and what lies below them, as those that a subresource does not write.</summary>
    public FieldComparison Without(FieldSet ignored) =>
        ignored.IsEmpty ? this : new FieldComparison { Added = Added.ExceptTrees(ignored), Removed = Removed.ExceptTrees(ignored), Modified = Modified.ExceptTrees(ignored) };

    private void Compare(Slot before, Slot after, FieldType type)
    {
        var (was, now) = (type.FormOf(before.Value), type.FormOf(after.Value));
        var isLeaf = !after.IsPresent ? Visit(was, before, after, type)
            : !before.IsPresent || was == now ? Visit(now, before, after, type)
            : Visit(was, before, after, type) | Visit(now, before, after, type);
        if (isLeaf) return;
        if (!before.IsPresent) Add(_added);
        else if (!after.IsPresent) Add(_removed);
    }

    /// <returns>Whether the place was taken as one leaf.</returns>
    private bool Visit(FieldForm form, Slot before, Slot after, FieldType type)
    {
        switch (form)
        {
            case FieldForm.Map when !type.Map!.IsAtomic && !(before.IsBare && after.IsBare):
                VisitMembers(before.Value as JsonObject, after.Value as JsonObject, type.Map);
                return false;
            case FieldForm.List when !type.List!.IsAtomic && !(before.IsBare && after.IsBare):
                VisitItems(before.Value as JsonArray, after.Value as JsonArray, type.List);
                return false;
            default:
                if (!before.IsPresent) Add(_added);
                else if (!after.IsPresent) Add(_removed);
                else if (!before.Value.SameAs(after.Value)) Add(_modified);
                return true;
        }
    }

    private void VisitMembers(JsonObject? before, JsonObject? after, MapType type)
    {
        foreach (var (name, value) in before ?? [])
        {
            var now = after is not null && after.TryGetPropertyValue(name, out var found) ? new Slot(found) : default;
            Descend(FieldStep.Member(name), new Slot(value), now, type.TypeOf(name));
        }

        foreach (var (name, value) in after ?? [])
        {
            if (before?.ContainsKey(name) != true) Descend(FieldStep.Member(name), default, new Slot(value), type.TypeOf(name));
        }
    }

    private void VisitItems(JsonArray? before, JsonArray? after, ListType type)
    {
        // Most lists of most writes did not change, and telling their items apart costs more than comparing them.
        if (before is not null && after is not null && before.SameAs(after)) return;
        var (old, now) = (KeyedItems.Read(before, type), KeyedItems.Read(after, type));
        foreach (var step in old.Steps.Union(now.Steps)) CompareItems(step, old.Of(step), now.Of(step), type.Items);
    }

    /// <summary>Items of one key. More than one is against the rules of such lists, but may have been stored before there were any.</summary>
    private void CompareItems(FieldStep step, List<JsonNode?> before, List<JsonNode?> after, FieldType type)
    {
        if (before.Count < 2 && after.Count < 2)
        {
            Descend(step, before.Count == 0 ? default : new Slot(before[0]), after.Count == 0 ? default : new Slot(after[0]), type);
            return;
        }

        _path.Add(step);
        if (before.Count > 1 && after.Count > 1)
        {
            if (before.Count != after.Count || before.Zip(after).Any(static p => !p.First.SameAs(p.Second))) Add(_modified);
        }
        else
        {
            Add(before.Count > 1 ? _removed : _added);
        }

        _path.RemoveAt(_path.Count - 1);
        if (before.Count == 1) Descend(step, new Slot(before[0]), default, type);
        if (after.Count == 1) Descend(step, default, new Slot(after[0]), type);
    }

    private void Descend(FieldStep step, Slot before, Slot after, FieldType? type)
    {
        _path.Add(step);
        Compare(before, after, type ?? FieldType.Deduced);
        _path.RemoveAt(_path.Count - 1);
    }

    private void Add(FieldSet.Builder set)
    {
        if (_path.Count > 0) set.Add(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_path));
    }

    /// <summary>A value or its absence, which is another thing than null.</summary>
    private readonly record struct Slot(bool IsPresent, JsonNode? Value)
    {
        public Slot(JsonNode? value) : this(true, value) { }

        /// <summary>Holds nothing that could be looked into.</summary>
        public bool IsBare => Value is null or JsonObject { Count: 0 } or JsonArray { Count: 0 } or JsonValue;
    }
}

/// <summary>A list's items by what tells them apart, in the list's order.</summary>
internal sealed class KeyedItems
{
    private static readonly List<JsonNode?> None = [];
    private readonly Dictionary<FieldStep, List<JsonNode?>> _items = [];

    /// <summary>The steps of all items, one that occurs twice too.</summary>
    public List<FieldStep> Steps { get; } = [];

    /// <exception cref="FieldTypeException">An item cannot be told.</exception>
    public static KeyedItems Read(JsonArray? list, ListType type)
    {
        var read = new KeyedItems();
        foreach (var (index, item) in (list ?? []).Index())
        {
            var step = type.StepOf(item, index);
            read.Steps.Add(step);
            if (!read._items.TryGetValue(step, out var same)) read._items.Add(step, same = []);
            same.Add(item);
        }

        return read;
    }

    public List<JsonNode?> Of(FieldStep step) => _items.GetValueOrDefault(step, None);
}
