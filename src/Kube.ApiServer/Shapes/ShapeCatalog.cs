using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;

namespace Kube.ApiServer;

/// <summary>The shapes of all built-in types, read from <c>kinds.txt</c> and <c>facts.txt</c> on first use.</summary>
internal static class ShapeCatalog
{
    private static readonly FrozenDictionary<string, Shape> All = Read();

    public static Shape? Find(string name) => All.GetValueOrDefault(name);

    public static IEnumerable<Shape> Shapes => All.Values;

    private static FrozenDictionary<string, Shape> Read()
    {
        var lines = Lines("kinds.txt");
        var facts = Lines("facts.txt").ToDictionary(static l => l[0], static l => l[1..], StringComparer.Ordinal);
        var shapes = lines.ToDictionary(static l => l[0], l => ShapeFacts.Describe(l[0], facts.GetValueOrDefault(l[0]) ?? []), StringComparer.Ordinal);
        var texts = lines.ToDictionary(static l => l[0], static l => l[1..], StringComparer.Ordinal);
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in shapes.Keys) Fill(name);
        return shapes.ToFrozenDictionary(StringComparer.Ordinal);

        void Fill(string name)
        {
            if (!done.Add(name)) return;
            var members = texts[name].Select(text => Member(text, shapes)).ToImmutableArray();
            // An embedded type's members must be known before its host's are laid out.
            foreach (var embedded in members.Where(static m => m.IsEmbedded)) Fill(embedded.Type.Shape!.Name);
            shapes[name].Set(members);
        }
    }

    private static List<string[]> Lines(string name)
    {
        using var stream = typeof(ShapeCatalog).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not part of this assembly");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static l => l[0] != '#').Select(static l => l.Split(' ')).ToList();
    }

    private static ShapeMember Member(string text, Dictionary<string, Shape> shapes)
    {
        var parts = text.Split(':');
        var (isPointer, writesZero) = (parts[2][^1] == '?', parts[2][^1] == '!');
        var type = isPointer || writesZero ? parts[2][..^1] : parts[2];
        return new ShapeMember(int.Parse(parts[0], CultureInfo.InvariantCulture), parts[1], Type(type, shapes), parts[1] == "+", isPointer, writesZero);
    }

    private static ShapeType Type(string text, Dictionary<string, Shape> shapes) => text[0] switch
    {
        '[' => new ShapeType("", null, Type(text[1..^1], shapes), null),
        '{' => new ShapeType("", null, null, Type(text[1..^1], shapes)),
        _ when shapes.TryGetValue(text, out var shape) => new ShapeType("", shape, null, null),
        _ => new ShapeType(text, null, null, null),
    };
}
