using System.Net.Security;

namespace Kube.Client;

/// <summary>
/// Finds the way to a cluster in the order of kubectl: the named file; the files of <c>KUBECONFIG</c>, of which the first to describe something wins;
/// <c>~/.kube/config</c>; the service account of the pod that we run in.
/// </summary>
internal static class KubeConfig
{
    public static ClusterConnection Load(ClusterConnectionOptions options, TimeProvider time)
    {
        var files = Files(options);
        var connection = files.Count > 0 ? FromFiles(files, options, time) : InCluster.Find(options, time);
        if (connection is null && options.Server.Length == 0)
        {
            throw new ConnectionException(
                "no cluster is described: KUBECONFIG is not set, there is no ~/.kube/config, and this is no pod of a cluster. Name a file with --kubeconfig.");
        }

        if (options.Server.Length == 0) return connection!;
        var tls = connection is { Authorities: not null } or { SkipTlsVerification: true };
        var server = Address(options.Server, tls) ?? throw new ConnectionException($"\"{options.Server}\" is no address of a server, such as https://127.0.0.1:6443");
        return connection is null ? new ClusterConnection(server, "the given address") : connection with { Server = server };
    }

    private static List<ConfigNode> Files(ClusterConnectionOptions options)
    {
        if (options.Kubeconfig.Length > 0) return [ConfigNode.Load(options.Kubeconfig)];
        if (options.Environment("KUBECONFIG") is { Length: > 0 } list)
        {
            // Missing files of the list are passed over, as kubectl does; none at all of them is a mistake.
            var named = list.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
            var present = named.Where(File.Exists).Select(ConfigNode.Load).ToList();
            return present.Count > 0 ? present : throw new ConnectionException($"KUBECONFIG names {list}, and no such file exists");
        }

        var home = options.Environment("HOME") is { Length: > 0 } folder ? Path.Combine(folder, ".kube", "config") : "";
        return home.Length > 0 && File.Exists(home) ? [ConfigNode.Load(home)] : [];
    }

    private static ClusterConnection FromFiles(List<ConfigNode> files, ClusterConnectionOptions options, TimeProvider time)
    {
        var names = string.Join(", ", files.Select(static f => f.File));
        var wanted = options.Context.Length > 0 ? options.Context : files.Select(static f => f["current-context"].Text).FirstOrDefault(static c => c.Length > 0) ?? "";
        if (wanted.Length == 0)
        {
            throw new ConnectionException($"{names}: current-context is not set; choose one with --context or `kubectl config use-context` ({Known(files, "contexts")})");
        }

        var context = Named(files, "contexts", wanted) ?? throw new ConnectionException($"{names}: there is no context \"{wanted}\" ({Known(files, "contexts")})");
        var clusterName = context["context"]["cluster"];
        var cluster = (Named(files, "clusters", clusterName.Text) ?? throw clusterName.Fault($"there is no cluster \"{clusterName.Text}\" ({Known(files, "clusters")})"))["cluster"];
        var userName = context["context"]["user"];
        var user = userName.Text.Length == 0
            ? null
            : (Named(files, "users", userName.Text) ?? throw userName.Fault($"there is no user \"{userName.Text}\" ({Known(files, "users")})"))["user"];

        var connection = Cluster(cluster) with { Context = wanted };
        if (context["context"]["namespace"].Text is { Length: > 0 } ns) connection = connection with { Namespace = ns };
        return user is null ? connection : WithUser(connection, user, cluster, options, time);
    }

    private static ClusterConnection Cluster(ConfigNode cluster)
    {
        var tls = new[] { "certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name" }.Any(f => cluster[f].IsPresent);
        var server = Address(cluster["server"].Text, tls) ?? throw cluster["server"].Fault("must be the server's address, such as https://127.0.0.1:6443");
        if (cluster["proxy-url"].Text.Length > 0) throw cluster["proxy-url"].Fault("a proxy of its own for one cluster is not supported; set HTTPS_PROXY instead");
        var skip = cluster["insecure-skip-tls-verify"];
        var authority = cluster.Content("certificate-authority");
        if (skip.Flag && authority is not null) throw skip.Fault("contradicts the certificate authority that is given too; remove one of the two");
        var field = cluster[cluster["certificate-authority-data"].IsPresent ? "certificate-authority-data" : "certificate-authority"];
        return new ClusterConnection(server, cluster.File)
        {
            SkipTlsVerification = skip.Flag,
            TlsServerName = cluster["tls-server-name"].Text,
            Authorities = authority is null ? null : Certificates.Authorities(authority, field.Fault),
        };
    }

    private static ClusterConnection WithUser(ClusterConnection connection, ConfigNode user, ConfigNode cluster, ClusterConnectionOptions options, TimeProvider time)
    {
        if (user["auth-provider"].IsPresent)
        {
            throw user["auth-provider"].Fault("Kubernetes has removed auth providers; use the cloud's credential plugin (exec) instead");
        }

        return connection with { ClientCertificate = ClientCertificate(user), Credentials = Credentials(user, cluster, options, time) };
    }

    private static SslStreamCertificateContext? ClientCertificate(ConfigNode user)
    {
        var (certificate, key) = (user.Content("client-certificate"), user.Content("client-key"));
        return (certificate, key) switch
        {
            (null, null) => null,
            (null, _) => throw user["client-key"].Fault("has no client-certificate beside it"),
            (_, null) => throw user["client-certificate"].Fault("has no client-key beside it"),
            var (own, secret) => Certificates.Client(own, secret, user[user["client-certificate-data"].IsPresent ? "client-certificate-data" : "client-certificate"].Fault),
        };
    }

    /// <summary>Of several kinds the first counts, in the order that client-go has: token file, token, password, plugin.</summary>
    private static IClusterCredentials? Credentials(ConfigNode user, ConfigNode cluster, ClusterConnectionOptions options, TimeProvider time)
    {
        if (user["tokenFile"] is { Text.Length: > 0 } file) return new TokenFileCredentials(file.FullPath(file.Text), time);
        if (user["token"].Text is { Length: > 0 } token) return FixedCredentials.Token(token);
        if (user["username"].Text is { Length: > 0 } name) return FixedCredentials.Basic(name, user["password"].Text);
        return user["exec"].IsPresent ? PluginCredentials.Read(user["exec"], cluster, options, time) : null;
    }

    private static ConfigNode? Named(List<ConfigNode> files, string list, string name) =>
        files.SelectMany(f => f[list].Items).FirstOrDefault(entry => entry["name"].Text == name);

    private static string Known(List<ConfigNode> files, string list)
    {
        var names = files.SelectMany(f => f[list].Items).Select(static e => e["name"].Text).Distinct().ToList();
        return names.Count == 0 ? $"no {list} are described" : $"known: {string.Join(", ", names)}";
    }

    /// <summary>An address may come without its scheme; client-go then takes HTTPS where something of TLS is configured, else HTTP.</summary>
    private static Uri? Address(string text, bool tls)
    {
        if (text.Length == 0) return null;
        var full = text.Contains("://") ? text : $"{(tls ? "https" : "http")}://{text}";
        return Uri.TryCreate(full, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address.Host.Length > 0 ? address : null;
    }
}
