using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Kube.Testing;

namespace Kube.Client.Tests;

public sealed class ClusterConnectionTests : IDisposable
{
    private readonly VirtualClock _clock = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kubeconfig-");
    private readonly Dictionary<string, string> _environment = [];

    public void Dispose() => _folder.Delete(recursive: true);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    private ClusterConnection Load(string kubeconfig = "", string context = "", string server = "") => ClusterConnection.Load(
        new ClusterConnectionOptions(kubeconfig, context, server) { Environment = name => _environment.GetValueOrDefault(name), ServiceAccountFolder = _folder.FullName }, _clock);

    private string Fault(string kubeconfig, string context = "") => Assert.Throws<ConnectionException>(() => Load(kubeconfig, context)).Message;

    private static string Config(string cluster = "server: https://10.0.0.1:6443", string user = "token: secret", string extra = "") => $$"""
        apiVersion: v1
        kind: Config
        current-context: one
        contexts:
        - name: one
          context: {cluster: c, user: u, namespace: team}
        clusters:
        - name: c
          cluster: { {{cluster}} }
        users:
        - name: u
          user: { {{user}} }
        {{extra}}
        """;

    private static async Task<string?> Header(ClusterConnection connection) => (await connection.Credentials!.GetAsync(CancellationToken.None))?.ToString();

    [Fact]
    public async Task A_context_names_server_namespace_and_credentials()
    {
        var connection = Load(Write("config", Config()));
        Assert.Equal(("https://10.0.0.1:6443/", "team", "one"), (connection.Server.ToString(), connection.Namespace, connection.Context));
        Assert.Equal("Bearer secret", await Header(connection));
        Assert.Equal("https://127.0.0.1:1/", Load(Write("config", Config()), server: "https://127.0.0.1:1").Server.ToString());
        Assert.Equal("Basic YTpi", await Header(Load(Write("config", Config(user: "username: a, password: b")))));
    }

    [Fact]
    public void The_first_file_of_KUBECONFIG_to_describe_something_wins()
    {
        var first = Write("first", """
            contexts:
            - {name: one, context: {cluster: c}}
            clusters:
            - {name: c, cluster: {server: "http://first"}}
            """);
        var second = Write("second", """
            current-context: one
            contexts:
            - {name: one, context: {cluster: d}}
            - {name: two, context: {cluster: d}}
            clusters:
            - {name: c, cluster: {server: "http://second"}}
            - {name: d, cluster: {server: "http://third"}}
            """);
        _environment["KUBECONFIG"] = $"{first}:{_folder}/missing:{second}";
        Assert.Equal("http://first/", Load().Server.ToString());
        Assert.Equal("http://third/", Load(context: "two").Server.ToString());
        _environment["KUBECONFIG"] = $"{_folder}/missing";
        Assert.Contains("no such file exists", Fault(""));
    }

    [Fact]
    public void The_home_folder_comes_next_and_nothing_at_all_is_a_clear_error()
    {
        _environment["HOME"] = _folder.FullName;
        Assert.Contains("no cluster is described", Fault(""));
        Write(".kube/config", Config());
        Assert.Equal("team", Load().Namespace);
    }

    [Fact]
    public async Task In_a_pod_the_service_account_is_used_and_its_token_read_again()
    {
        _environment["KUBERNETES_SERVICE_HOST"] = "fd00::1";
        _environment["KUBERNETES_SERVICE_PORT"] = "443";
        Assert.Contains("no service account token", Fault(""));
        Write("token", "first\n");
        Write("namespace", "mine\n");
        Write("ca.crt", Ca().ExportCertificatePem());
        var connection = Load();
        Assert.Equal(("https://[fd00::1]/", "mine"), (connection.Server.ToString(), connection.Namespace));
        Assert.Single(connection.Authorities!);
        Assert.Equal("Bearer first", await Header(connection));
        Write("token", "second");
        Assert.Equal("Bearer first", await Header(connection));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("Bearer second", await Header(connection));
        // A refused token is looked for again at once.
        Write("token", "third");
        Assert.True(connection.Credentials!.Refused(null));
        Assert.Equal("Bearer third", await Header(connection));
        Assert.False(connection.Credentials.Refused(null));
    }

    [Theory]
    [InlineData("server: \"\"", "token: t", "line 9, column 14): clusters[0].cluster.server: must be the server's address")]
    [InlineData("server: 'ftp://x'", "token: t", "cluster.server: must be the server's address")]
    [InlineData("server: 1", "token: t", "cluster.server: must be text; put it in quotes")]
    [InlineData("server: 'https://x', certificate-authority-data: '%'", "token: t", "cluster.certificate-authority-data: is not valid base64")]
    [InlineData("server: 'https://x', certificate-authority-data: eA==", "token: t", "cluster.certificate-authority-data: is no certificate authority")]
    [InlineData("server: 'https://x', certificate-authority: gone.crt", "token: t", "gone.crt")]
    [InlineData("server: 'https://x', proxy-url: 'http://p'", "token: t", "cluster.proxy-url: a proxy of its own for one cluster is not supported")]
    [InlineData("server: 'https://x', insecure-skip-tls-verify: 'yes'", "token: t", "insecure-skip-tls-verify: must be true or false")]
    [InlineData("server: 'https://x'", "client-certificate-data: eA==", "users[0].user.client-certificate: has no client-key beside it")]
    [InlineData("server: 'https://x'", "client-certificate-data: eA==, client-key-data: eA==", "certificate and key cannot be used together")]
    [InlineData("server: 'https://x'", "auth-provider: {name: gcp}", "Kubernetes has removed auth providers")]
    [InlineData("server: 'https://x'", "exec: {apiVersion: v1, command: x}", "exec.apiVersion: must be client.authentication.k8s.io/v1")]
    public void A_fault_names_file_line_and_field(string cluster, string user, string fault)
    {
        var file = Write("config", Config(cluster, user));
        var message = Fault(file);
        Assert.StartsWith(file, message);
        Assert.Contains(fault, message);
        Assert.Contains("line ", message);
    }

    [Fact]
    public void Unknown_names_are_named_with_those_there_are()
    {
        var file = Write("config", Config());
        Assert.Contains("there is no context \"two\" (known: one)", Fault(file, "two"));
        Assert.Contains("contexts[0].context.user: there is no user \"u\" (no users are described)", Fault(Write("config", Config().Replace("users:", "others:"))));
        Assert.Contains("current-context is not set", Fault(Write("config", Config().Replace("current-context: one", ""))));
        Assert.Contains("line 1, column", Fault(Write("config", "a: b: c")));
        Assert.Contains("cannot read the kubeconfig", Fault(Path.Combine(_folder.FullName, "gone")));
    }

    [Theory]
    [InlineData("rsa")]
    [InlineData("rsa-pkcs8")]
    [InlineData("ec")]
    [InlineData("ec-pkcs8")]
    public void Client_certificates_come_in_place_or_by_file_with_keys_of_every_form(string form)
    {
        var (certificate, key) = Own(form);
        Write("pki/own.crt", certificate);
        Write("pki/own.key", key);
        var byFile = Load(Write("config", Config(user: "client-certificate: pki/own.crt, client-key: pki/own.key")));
        var inPlace = Load(Write("config", Config(user: $"client-certificate-data: {Base64(certificate)}, client-key-data: {Base64(key)}")));
        Assert.True(byFile.ClientCertificate!.TargetCertificate.HasPrivateKey);
        Assert.Equal(byFile.ClientCertificate.TargetCertificate.Thumbprint, inPlace.ClientCertificate!.TargetCertificate.Thumbprint);
    }

    [Fact]
    public async Task A_token_file_is_relative_to_the_kubeconfig()
    {
        Write("sub/token", "t");
        Assert.Equal("Bearer t", await Header(Load(Write("sub/config", Config(user: "tokenFile: token")))));
    }

    [Fact]
    public async Task A_plugin_is_run_once_until_its_credentials_expire_or_are_refused()
    {
        var plugin = Write("plugin.sh", $$$"""
            #!/bin/sh
            echo x >> {{{_folder}}}/runs
            case "$KUBERNETES_EXEC_INFO" in *'"server":"https://10.0.0.1:6443"'*) ;; *) exit 9;; esac
            printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s-%s-%s","expirationTimestamp":"2026-03-01T10:00:00Z"}}' "$1" "$WHO" "$(wc -l < {{{_folder}}}/runs | tr -d ' ')"
            """);
        File.SetUnixFileMode(plugin, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var connection = Load(Write("config", Config(user:
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin.sh, args: [a], env: [{name: WHO, value: me}], provideClusterInfo: true}")));
        Assert.False(File.Exists(Path.Combine(_folder.FullName, "runs")));
        Assert.Equal("Bearer a-me-1", await Header(connection));
        Assert.Equal("Bearer a-me-1", await Header(connection));
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal("Bearer a-me-2", await Header(connection));
        Assert.True(connection.Credentials!.Refused(await connection.Credentials.GetAsync(CancellationToken.None)));
        Assert.Equal("Bearer a-me-4", await Header(connection));
    }

    [Theory]
    [InlineData("echo no rights >&2; exit 3", "ended with exit code 3: no rights")]
    [InlineData("echo '{}'", "printed no ExecCredential")]
    [InlineData("echo hello", "printed no JSON")]
    [InlineData("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{}}'", "printed neither a token nor a client certificate")]
    public async Task A_plugin_that_fails_is_named_with_its_own_words(string script, string fault)
    {
        var connection = Load(Write("config", Config(user: $"exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, {System.Text.Json.JsonSerializer.Serialize(script)}]}}")));
        Assert.Contains(fault, (await Assert.ThrowsAsync<ConnectionException>(() => Header(connection))).Message);
    }

    [Fact]
    public async Task A_plugin_that_is_not_there_is_named_with_the_hint_how_to_get_it()
    {
        var connection = Load(Write("config", Config(user: "exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin-here, installHint: Get it somewhere.}")));
        var fault = await Assert.ThrowsAsync<ConnectionException>(() => Header(connection));
        Assert.Contains("cannot run no-such-plugin-here", fault.Message);
        Assert.Contains("Get it somewhere.", fault.Message);
    }

    private static X509Certificate2 Ca()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=test-ca", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static (string Certificate, string Key) Own(string form)
    {
        using var rsa = RSA.Create(2048);
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = form.StartsWith("rsa")
            ? new CertificateRequest("CN=me", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest("CN=me", ec, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return (certificate.ExportCertificatePem(), form switch
        {
            "rsa" => rsa.ExportRSAPrivateKeyPem(),
            "rsa-pkcs8" => rsa.ExportPkcs8PrivateKeyPem(),
            "ec" => ec.ExportECPrivateKeyPem(),
            _ => ec.ExportPkcs8PrivateKeyPem(),
        });
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));
}
