using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What kube-apiserver fills into a pod spec, of a pod or of a template (<c>pkg/apis/core/v1/defaults.go</c>).</summary>
internal static class PodSpecDefaults
{
    /// <summary>rw-r--r-- as the API writes it.</summary>
    private const int VolumeFileMode = 420;

    public static void Apply(JsonObject spec)
    {
        spec.Default("restartPolicy", "Always");
        spec.Default("terminationGracePeriodSeconds", 30);
        spec.Default("dnsPolicy", "ClusterFirst");
        spec.Default("schedulerName", "default-scheduler");
        spec.Default("securityContext", new JsonObject());
        // The older name of the same field is always kept in step.
        if (spec.Text("serviceAccountName") is { Length: > 0 } account) spec["serviceAccount"] = account;
        else if (spec.Text("serviceAccount") is { Length: > 0 } older) spec["serviceAccountName"] = older;

        var hostNetwork = spec.Flag("hostNetwork") == true;
        foreach (var (_, container) in spec.Objects("containers")) Container(container, hostNetwork);
        foreach (var (_, container) in spec.Objects("initContainers")) Container(container, hostNetwork);
        foreach (var (_, volume) in spec.Objects("volumes")) Volume(volume);
    }

    private static void Container(JsonObject container, bool hostNetwork)
    {
        container.Default("terminationMessagePath", "/dev/termination-log");
        container.Default("terminationMessagePolicy", "File");
        container.Default("imagePullPolicy", PullPolicy(container.Text("image") ?? ""));
        container.Default("resources", new JsonObject());
        foreach (var (_, port) in container.Objects("ports"))
        {
            port.Default("protocol", "TCP");
            if (hostNetwork && (port.Integer("hostPort") ?? 0) == 0 && port.Integer("containerPort") is { } number) port["hostPort"] = number;
        }

        foreach (var (_, variable) in container.Objects("env"))
        {
            if (variable.Members("valueFrom", "fieldRef") is { } field) field.Default("apiVersion", "v1");
        }

        foreach (var probe in new[] { "livenessProbe", "readinessProbe", "startupProbe" })
        {
            if (container.Members(probe) is { } settings) Probe(settings);
        }

        foreach (var hook in new[] { "postStart", "preStop" })
        {
            if (container.Members("lifecycle", hook, "httpGet") is { } get) HttpGet(get);
        }
    }

    /// <summary>An image without a tag, or tagged <c>latest</c>, is looked for each time.</summary>
    private static string PullPolicy(string image)
    {
        if (image.Contains('@', StringComparison.Ordinal)) return "IfNotPresent";
        var name = image[(image.LastIndexOf('/') + 1)..];
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 || name[(colon + 1)..] == "latest" ? "Always" : "IfNotPresent";
    }

    private static void Probe(JsonObject probe)
    {
        probe.Default("timeoutSeconds", 1);
        probe.Default("periodSeconds", 10);
        probe.Default("successThreshold", 1);
        probe.Default("failureThreshold", 3);
        if (probe.Members("httpGet") is { } get) HttpGet(get);
        if (probe.Members("grpc") is { } grpc) grpc.Default("service", "");
    }

    private static void HttpGet(JsonObject get)
    {
        get.Default("path", "/");
        get.Default("scheme", "HTTP");
    }

    private static void Volume(JsonObject volume)
    {
        // A volume that names no source is an emptyDir.
        if (!volume.Any(static member => member.Key != "name" && member.Value is not null)) volume["emptyDir"] = new JsonObject();
        foreach (var source in new[] { "secret", "configMap", "downwardAPI", "projected" })
        {
            if (volume.Members(source) is { } files) files.Default("defaultMode", VolumeFileMode);
        }

        if (volume.Members("hostPath") is { } host) host.Default("type", "");
        foreach (var (_, item) in volume.Objects("downwardAPI", "items"))
        {
            if (item.Members("fieldRef") is { } field) field.Default("apiVersion", "v1");
        }

        foreach (var (_, source) in volume.Objects("projected", "sources"))
        {
            if (source.Members("serviceAccountToken") is { } token) token.Default("expirationSeconds", 3600);
            foreach (var (_, item) in source.Objects("downwardAPI", "items"))
            {
                if (item.Members("fieldRef") is { } field) field.Default("apiVersion", "v1");
            }
        }
    }
}
