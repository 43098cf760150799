using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Amounts by resource name (<c>v1.ResourceList</c>), in order of name, as messages print them.</summary>
internal sealed class Amounts : SortedDictionary<string, Quantity>
{
    public Amounts() : base(StringComparer.Ordinal) { }

    /// <summary>Reads a resource list; what is no quantity is left out, as it was refused before.</summary>
    public static Amounts Read(JsonNode? list)
    {
        var amounts = new Amounts();
        foreach (var (name, value) in list.Members() ?? [])
        {
            if (Quantity.TryParse(value.Print(), out var amount, out _)) amounts[name] = amount;
        }

        return amounts;
    }

    public Quantity Of(string name) => TryGetValue(name, out var amount) ? amount : default;

    public void Add(Amounts more)
    {
        foreach (var (name, amount) in more) this[name] = Of(name) + amount;
    }

    public void Subtract(Amounts less)
    {
        foreach (var (name, amount) in less) this[name] = Of(name) - amount;
    }

    /// <summary>Raises each amount to another's where that is larger.</summary>
    public void RaiseTo(Amounts other)
    {
        foreach (var (name, amount) in other) this[name] = TryGetValue(name, out var own) ? Quantity.Max(own, amount) : amount;
    }

    /// <summary>Only the resources that are named.</summary>
    public Amounts Only(IEnumerable<string> names)
    {
        var some = new Amounts();
        foreach (var name in names)
        {
            if (TryGetValue(name, out var amount)) some[name] = amount;
        }

        return some;
    }

    public JsonObject ToTree() => this.Select(static a => KeyValuePair.Create(a.Key, a.Value.ToString())).ToTree();

    /// <summary>Such as <c>limits.cpu=2,pods=1</c>.</summary>
    public override string ToString() => string.Join(',', this.Select(static a => $"{a.Key}={a.Value}"));
}
