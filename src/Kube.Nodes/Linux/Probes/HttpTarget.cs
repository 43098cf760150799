using System.Globalization;
using System.Net;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>Where an <c>httpGet</c> of a probe or hook goes, and with which headers.</summary>
internal sealed record HttpTarget(Uri Url, IReadOnlyList<(string Name, string Value)> Headers)
{
    /// <param name="podAddress">The host unless another is named.</param>
    /// <param name="portOtherwise">The port when none is named; null makes that an error.</param>
    /// <exception cref="FormatException">The port is none, or the path makes no URL.</exception>
    public static HttpTarget Read(JsonElement get, ContainerView container, IPAddress podAddress, int? portOtherwise = null)
    {
        var scheme = (get.Text("scheme") ?? "HTTP").ToLowerInvariant();
        var path = get.Text("path") ?? "";
        if (!path.StartsWith('/')) path = "/" + path;
        var port = get.Has("port") || portOtherwise is null ? Port(get.At("port"), container) : portOtherwise.Value;
        var text = string.Create(CultureInfo.InvariantCulture, $"{scheme}://{Host(get, podAddress)}:{port}{path}");
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url)) throw new FormatException($"parse \"{text}\": no URL");
        return new HttpTarget(url, [.. get.Items("httpHeaders").Select(static h => (h.Text("name") ?? "", h.Text("value") ?? ""))]);
    }

    public static string Host(JsonElement action, IPAddress podAddress) => action.Text("host") is { Length: > 0 } host ? host : podAddress.ToString();

    /// <summary>A number, a number in quotes, or the name of one of the container's ports.</summary>
    public static int Port(JsonElement port, ContainerView container)
    {
        long? number = port.ValueKind switch
        {
            JsonValueKind.Number => port.GetInt64(),
            JsonValueKind.String when long.TryParse(port.GetString(), CultureInfo.InvariantCulture, out var parsed) => parsed,
            JsonValueKind.String => container.Spec.Items("ports").FirstOrDefault(p => p.Text("name") == port.GetString()).Integer("containerPort"),
            _ => null,
        };
        return number is > 0 and < 65536
            ? (int)number
            : throw new FormatException(port.ValueKind == JsonValueKind.Number ? $"invalid port number: {number}" : $"couldn't find port: {(port.ValueKind == JsonValueKind.Undefined ? "none given" : port.GetRawText())}");
    }
}
