using System.Globalization;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The parameters after the question mark. Repeated parameters keep their order.</summary>
internal sealed class Query
{
    private readonly List<KeyValuePair<string, string>> _pairs = [];

    public static Query Parse(string text)
    {
        var query = new Query();
        foreach (var part in text.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var cut = part.IndexOf('=', StringComparison.Ordinal);
            var name = cut < 0 ? part : part[..cut];
            var value = cut < 0 ? "" : part[(cut + 1)..];
            query._pairs.Add(new(Decode(name), Decode(value)));
        }

        return query;
    }

    /// <summary>The first value of a parameter; empty when it is absent.</summary>
    public string Text(string name)
    {
        foreach (var (key, value) in _pairs)
        {
            if (key == name) return value;
        }

        return "";
    }

    public IEnumerable<string> All(string name) => _pairs.Where(p => p.Key == name).Select(static p => p.Value);

    /// <summary>Kubernetes reads anything but <c>false</c> and <c>0</c> as true, the bare parameter too.</summary>
    public bool Flag(string name) => _pairs.Exists(p => p.Key == name) && Text(name) is not ("false" or "0");

    public long? Integer(string name)
    {
        var text = Text(name);
        if (text.Length == 0) return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Failures.BadRequest($"invalid value \"{text}\" of the parameter {name}: it must be a whole number");
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
