using System.Globalization;
using System.Text;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>What a pod can learn about itself: <c>fieldRef</c> and <c>resourceFieldRef</c>.</summary>
/// <param name="nodeCpu">What a container without a limit is told that it may use.</param>
internal sealed class DownwardFields(PodSpecView pod, string? podAddress, string hostAddress, Quantity nodeCpu, Quantity nodeMemory)
{
    /// <summary>The value of a field path, or null when there is no such field.</summary>
    public string? Field(string path)
    {
        var meta = pod.Meta;
        if (Subscript(path, "metadata.labels") is { } label) return meta.Labels.GetValueOrDefault(label, "");
        if (Subscript(path, "metadata.annotations") is { } annotation) return meta.Annotations.GetValueOrDefault(annotation, "");
        return path switch
        {
            "metadata.name" => meta.Name,
            "metadata.namespace" => meta.Namespace,
            "metadata.uid" => meta.Uid,
            "metadata.labels" => Lines(meta.Labels),
            "metadata.annotations" => Lines(meta.Annotations),
            "spec.nodeName" => pod.Spec.Text("nodeName") ?? "",
            "spec.serviceAccountName" => pod.Spec.Text("serviceAccountName") ?? "default",
            "status.hostIP" or "status.hostIPs" => hostAddress,
            "status.podIP" or "status.podIPs" => podAddress ?? "",
            _ => null,
        };
    }

    /// <summary>An amount in units of the divisor, rounded up; the limit falls back to what the node has, the request to the limit.</summary>
    public string? Resource(JsonElement reference, ContainerView? container)
    {
        var name = reference.Text("resource") ?? "";
        if (reference.Text("containerName") is { Length: > 0 } other) container = pod.Containers.FirstOrDefault(c => c.Name == other);
        if (container is null) return null;
        var parts = name.Split('.', 2);
        if (parts.Length != 2 || parts[0] is not ("limits" or "requests")) return null;
        var limit = Quantity.Read(container.Spec.At("resources", "limits", parts[1]));
        var amount = parts[0] == "requests" ? Quantity.Read(container.Spec.At("resources", "requests", parts[1])) ?? limit ?? Quantity.Zero : limit ?? (parts[1] switch { "cpu" => nodeCpu, "memory" => nodeMemory, _ => Quantity.Zero });
        var divisor = Quantity.Read(reference.At("divisor")) is { IsZero: false } given ? given : Quantity.FromUnits(1);
        // cpu may be asked for in thousandths; everything is rounded up, as the kubelet does.
        return ((Int128)amount.MilliUnits + divisor.MilliUnits - 1).Divide(divisor.MilliUnits);
    }

    private static string? Subscript(string path, string map) =>
        path.StartsWith(map + "['", StringComparison.Ordinal) && path.EndsWith("']", StringComparison.Ordinal) ? path[(map.Length + 2)..^2] : null;

    /// <summary><c>key="value"</c>, a line each, sorted.</summary>
    private static string Lines(IEnumerable<KeyValuePair<string, string>> map)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in map.OrderBy(static m => m.Key, StringComparer.Ordinal))
        {
            if (text.Length > 0) text.Append('\n');
            text.Append(key).Append("=\"").Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('"');
        }

        return text.ToString();
    }
}

file static class Int128Text
{
    public static string Divide(this Int128 amount, long divisor) => (amount / Math.Max(1, divisor)).ToString(CultureInfo.InvariantCulture);
}
