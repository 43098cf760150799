using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;

namespace Kube.ApiServer;

/// <summary>The shapes of all built-in types, read from <c>kinds.txt</c> on first use.</summary>
internal static class ShapeCatalog
{
    private static readonly FrozenDictionary<string, Shape> All = Read();

    public static Shape? Find(string name) => All.GetValueOrDefault(name);

    private static FrozenDictionary<string, Shape> Read()
    {
        using var stream = typeof(ShapeCatalog).Assembly.GetManifestResourceStream("kinds.txt")
            ?? throw new InvalidOperationException("kinds.txt is not part of this assembly");
        using var reader = new StreamReader(stream);
        var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static l => l[0] != '#').Select(static l => l.Split(' ')).ToList();
        var shapes = lines.ToDictionary(static l => l[0], static l => new Shape(l[0]), StringComparer.Ordinal);
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

    private static ShapeMember Member(string text, Dictionary<string, Shape> shapes)
    {
        var parts = text.Split(':');
        var keepsZero = parts[2][^1] is '?' or '!';
        var type = keepsZero ? parts[2][..^1] : parts[2];
        return new ShapeMember(int.Parse(parts[0], CultureInfo.InvariantCulture), parts[1], Type(type, shapes), parts[1] == "+", keepsZero);
    }

    private static ShapeType Type(string text, Dictionary<string, Shape> shapes) => text[0] switch
    {
        '[' => new ShapeType("", null, Type(text[1..^1], shapes), null),
        '{' => new ShapeType("", null, null, Type(text[1..^1], shapes)),
        _ when shapes.TryGetValue(text, out var shape) => new ShapeType("", shape, null, null),
        _ => new ShapeType(text, null, null, null),
    };
}
