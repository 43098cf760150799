using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>The variables that tell a pod of the Services of its namespace (<c>enableServiceLinks</c>), and of the API server always.</summary>
internal static class ServiceVariables
{
    public static IEnumerable<KeyValuePair<string, string>> Of(PodSpecView pod, IEnumerable<KubeObject> services)
    {
        var links = pod.Spec.Flag("enableServiceLinks") ?? true;
        foreach (var service in services.OrderBy(static s => s.Meta.Name, StringComparer.Ordinal))
        {
            var isApiServer = service.Meta is { Namespace: "default", Name: "kubernetes" };
            if (!isApiServer && !(links && service.Meta.Namespace == pod.Meta.Namespace)) continue;
            if (service.Root.Text("spec", "clusterIP") is not { Length: > 0 } address || address == "None") continue;
            foreach (var variable in Of(service, address)) yield return variable;
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Of(KubeObject service, string address)
    {
        var prefix = service.Meta.Name.Replace('-', '_').ToUpperInvariant();
        var ports = service.Root.Items("spec", "ports").ToList();
        if (ports.Count == 0) yield break;
        yield return KeyValuePair.Create($"{prefix}_SERVICE_HOST", address);
        yield return KeyValuePair.Create($"{prefix}_SERVICE_PORT", Number(ports[0]));
        foreach (var port in ports)
        {
            if (port.Text("name") is { Length: > 0 } name) yield return KeyValuePair.Create($"{prefix}_SERVICE_PORT_{name.Replace('-', '_').ToUpperInvariant()}", Number(port));
        }

        // The older form, of container links.
        for (var i = 0; i < ports.Count; i++)
        {
            var protocol = ports[i].Text("protocol") ?? "TCP";
            var url = $"{protocol.ToLowerInvariant()}://{address}:{Number(ports[i])}";
            if (i == 0) yield return KeyValuePair.Create($"{prefix}_PORT", url);
            var link = $"{prefix}_PORT_{Number(ports[i])}_{protocol}";
            yield return KeyValuePair.Create(link, url);
            yield return KeyValuePair.Create($"{link}_PROTO", protocol.ToLowerInvariant());
            yield return KeyValuePair.Create($"{link}_PORT", Number(ports[i]));
            yield return KeyValuePair.Create($"{link}_ADDR", address);
        }
    }

    private static string Number(JsonElement port) => (port.Integer("port") ?? 0).ToString(CultureInfo.InvariantCulture);
}
