namespace Kube.Client;

/// <summary>The way that a pod has to its own cluster: two environment variables and the files of its service account.</summary>
internal static class InCluster
{
    /// <returns>Null outside of a pod.</returns>
    public static ClusterConnection? Find(ClusterConnectionOptions options, TimeProvider time)
    {
        var (host, port) = (options.Environment("KUBERNETES_SERVICE_HOST"), options.Environment("KUBERNETES_SERVICE_PORT"));
        if (host is not { Length: > 0 } || port is not { Length: > 0 }) return null;
        var token = Path.Combine(options.ServiceAccountFolder, "token");
        if (!File.Exists(token))
        {
            throw new ConnectionException($"this pod has no service account token ({token}): set automountServiceAccountToken, or name a kubeconfig");
        }

        var bracketed = host.Contains(':') && !host.StartsWith('[') ? $"[{host}]" : host;
        if (!Uri.TryCreate($"https://{bracketed}:{port}", UriKind.Absolute, out var server))
        {
            throw new ConnectionException($"KUBERNETES_SERVICE_HOST ({host}) and KUBERNETES_SERVICE_PORT ({port}) are no address");
        }

        var authority = Path.Combine(options.ServiceAccountFolder, "ca.crt");
        var ns = Path.Combine(options.ServiceAccountFolder, "namespace");
        return new ClusterConnection(server, "the pod's service account")
        {
            Authorities = File.Exists(authority) ? Certificates.Authorities(File.ReadAllBytes(authority), (fault, cause) => new ConnectionException($"{authority}: {fault}", cause)) : null,
            Namespace = File.Exists(ns) && File.ReadAllText(ns).Trim() is { Length: > 0 } name ? name : "default",
            Credentials = new TokenFileCredentials(token, time),
        };
    }
}
