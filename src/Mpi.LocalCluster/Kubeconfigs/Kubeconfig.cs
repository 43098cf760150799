using System.Text;

namespace Mpi.LocalCluster;

/// <summary>The kubeconfig of the local cluster: one context, a token, readable by its owner only.</summary>
internal static class Kubeconfig
{
    private const string Name = "kubempi";

    public static void Write(string path, Uri url, string authorityPem, string token)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        var draft = Path.Combine(folder, $".{Path.GetFileName(path)}.{Environment.ProcessId}");
        var settings = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        using (var file = new FileStream(draft, settings)) file.Write(Encoding.UTF8.GetBytes(Text(url, authorityPem, token)));
        File.Move(draft, path, overwrite: true);
    }

    private static string Text(Uri url, string authorityPem, string token) => $"""
        apiVersion: v1
        kind: Config
        clusters:
        - name: {Name}
          cluster:
            server: {url.GetLeftPart(UriPartial.Authority)}
            certificate-authority-data: {Convert.ToBase64String(Encoding.UTF8.GetBytes(authorityPem))}
        users:
        - name: {Name}
          user:
            token: {token}
        contexts:
        - name: {Name}
          context:
            cluster: {Name}
            user: {Name}
            namespace: default
        current-context: {Name}

        """;
}
