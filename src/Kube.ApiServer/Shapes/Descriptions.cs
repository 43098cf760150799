using System.Collections.Frozen;

namespace Kube.ApiServer;

/// <summary>What the fields mean that users of MPI jobs meet, in our own words, for <c>kubectl explain</c>; read from <c>descriptions.txt</c> on first use.</summary>
internal static class Descriptions
{
    private static readonly FrozenDictionary<string, string> All = Read();

    public static string? Of(Shape shape) => All.GetValueOrDefault(shape.Name);

    public static string? Of(Shape shape, string member) => All.GetValueOrDefault($"{shape.Name}.{member}");

    private static FrozenDictionary<string, string> Read()
    {
        using var stream = typeof(Descriptions).Assembly.GetManifestResourceStream("descriptions.txt") ?? throw new InvalidOperationException("descriptions.txt is not part of this assembly");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(static l => l[0] != '#')
            .Select(static l => l.Split(' ', 2))
            .ToFrozenDictionary(static l => l[0], static l => l[1], StringComparer.Ordinal);
    }
}
