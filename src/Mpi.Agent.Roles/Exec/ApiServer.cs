using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mpi.Agent.Roles;

/// <summary>The way of a pod to its cluster's API server: two environment variables and the files of its service account.</summary>
/// <param name="Folder">With <c>token</c>, <c>ca.crt</c> and <c>namespace</c>, as the kubelet mounts them.</param>
internal sealed record ApiServer(string Host, int Port, string Folder)
{
    private const string MountedFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <exception cref="IOException">This is no pod, or one without a service account.</exception>
    public static ApiServer OfThisPod(Func<string, string?> variable)
    {
        var (host, port) = (variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT"));
        if (host is not { Length: > 0 } || !int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            throw new IOException($"KUBERNETES_SERVICE_HOST ({host}) and KUBERNETES_SERVICE_PORT ({port}) name no API server: transport exec needs a pod of a cluster");
        }

        return new ApiServer(host.Trim('[', ']'), number, MountedFolder);
    }

    public string Address => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port.ToString(CultureInfo.InvariantCulture)}" : $"{Host}:{Port.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Read for each use: the kubelet replaces it long before it expires.</summary>
    public string ReadToken() => Read("token").Trim();

    public string ReadNamespace() => Read("namespace").Trim();

    public X509Certificate2Collection ReadAuthorities()
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(Read("ca.crt"));
        }
        catch (CryptographicException fault)
        {
            throw new IOException($"{Path.Combine(Folder, "ca.crt")}: {fault.Message}", fault);
        }

        return authorities;
    }

    private string Read(string file)
    {
        var path = Path.Combine(Folder, file);
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new IOException($"this pod has no service account ({path} is missing): leave automountServiceAccountToken of the launcher's pod and account true", fault);
        }
    }
}
