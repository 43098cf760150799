using System.ComponentModel;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Client;

/// <summary>
/// Credentials that a program prints (kubeconfig's <c>exec</c>, the contract <c>client.authentication.k8s.io</c>): run when they are first needed, kept until
/// they expire or are refused. The program's standard error is shown when it fails.
/// </summary>
internal sealed class PluginCredentials : IClusterCredentials, IDisposable
{
    /// <summary>A program that prints more prints no credentials.</summary>
    private const int OutputMax = 1024 * 1024;

    private readonly ConfigNode _exec;
    private readonly ProcessStartInfo _start;
    private readonly string _apiVersion;
    private readonly string _server;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _running = new(1);
    private Issued? _issued;

    private PluginCredentials(ConfigNode exec, ProcessStartInfo start, string apiVersion, ConfigNode cluster, TimeSpan timeout, TimeProvider time)
    {
        _exec = exec;
        _start = start;
        _apiVersion = apiVersion;
        _server = cluster["server"].Text;
        _timeout = timeout;
        _time = time;
    }

    private sealed record Issued(AuthenticationHeaderValue? Header, X509Certificate2? Certificate, DateTimeOffset? Expires);

    public bool MayBringCertificate => true;

    public X509Certificate2? Certificate => _issued?.Certificate;

    public static PluginCredentials Read(ConfigNode exec, ConfigNode cluster, ClusterConnectionOptions options, TimeProvider time)
    {
        var apiVersion = exec["apiVersion"];
        if (apiVersion.Text is not ("client.authentication.k8s.io/v1" or "client.authentication.k8s.io/v1beta1"))
        {
            throw apiVersion.Fault("must be client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1");
        }

        var command = exec["command"].Text;
        if (command.Length == 0) throw exec["command"].Fault("must name the program to run");
        // A bare name is looked up on the PATH; one with a folder is relative to the kubeconfig.
        var start = new ProcessStartInfo(command.Contains('/') ? exec.FullPath(command) : command)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in exec["args"].Items) start.ArgumentList.Add(argument.Text);
        foreach (var variable in exec["env"].Items) start.Environment[variable["name"].Text] = variable["value"].Text;
        var info = new JsonObject { ["kind"] = "ExecCredential", ["apiVersion"] = apiVersion.Text, ["spec"] = new JsonObject { ["interactive"] = false } };
        if (exec["provideClusterInfo"].Flag) info.Object("spec")["cluster"] = ClusterInfo(cluster);
        start.Environment["KUBERNETES_EXEC_INFO"] = info.ToJsonString();
        return new PluginCredentials(exec, start, apiVersion.Text, cluster, options.PluginTimeout, time);
    }

    public async ValueTask<AuthenticationHeaderValue?> GetAsync(CancellationToken cancellation)
    {
        if (Valid(_issued)) return _issued!.Header;
        await _running.WaitAsync(cancellation);
        try
        {
            if (!Valid(_issued)) _issued = Parse(await RunAsync(cancellation));
            return _issued!.Header;
        }
        finally
        {
            _running.Release();
        }
    }

    public bool Refused(AuthenticationHeaderValue? header)
    {
        if (_issued is { } issued && Equals(issued.Header, header)) _issued = null;
        return true;
    }

    public void Dispose() => _running.Dispose();

    private bool Valid(Issued? issued) => issued is not null && (issued.Expires is not { } end || end > _time.GetUtcNow());

    private async Task<string> RunAsync(CancellationToken cancellation)
    {
        using var limit = new RequestLimit(_timeout, _time, cancellation);
        using var process = new Process { StartInfo = _start };
        try
        {
            process.Start();
        }
        catch (Win32Exception fault)
        {
            var hint = _exec["installHint"].Text.Trim();
            throw _exec["command"].Fault($"cannot run {_start.FileName}: {fault.Message}{(hint.Length > 0 ? $"\n{hint}" : "")}", fault);
        }

        try
        {
            process.StandardInput.Close();
            var output = ReadAsync(process.StandardOutput, limit.Token);
            var errors = ReadAsync(process.StandardError, limit.Token);
            await Task.WhenAll(output, errors, process.WaitForExitAsync(limit.Token));
            if (process.ExitCode == 0) return await output;
            throw _exec["command"].Fault($"{_start.FileName} for {_server} ended with exit code {process.ExitCode}: {(await errors).Trim()}");
        }
        catch (OperationCanceledException) when (limit.Passed)
        {
            throw _exec["command"].Fault($"{_start.FileName} did not end within {_timeout.TotalSeconds} s");
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer, cancellation) is > 0 and var read)
        {
            if (text.Length < OutputMax) text.Append(buffer, 0, read);
        }

        return text.ToString();
    }

    private Issued Parse(string output)
    {
        JsonElement status;
        try
        {
            var root = JsonElement.Parse(output, JsonLimits.Options);
            if (root.Text("kind") != "ExecCredential" || root.Text("apiVersion") != _apiVersion)
            {
                throw _exec["command"].Fault($"{_start.FileName} printed no ExecCredential of {_apiVersion}");
            }

            status = root.At("status");
        }
        catch (JsonException fault)
        {
            throw _exec["command"].Fault($"{_start.FileName} printed no JSON: {fault.Message}", fault);
        }

        var token = status.Text("token") ?? "";
        var certificate = OwnCertificate(status);
        if (token.Length == 0 && certificate is null) throw _exec["command"].Fault($"{_start.FileName} printed neither a token nor a client certificate");
        return new Issued(token.Length > 0 ? new AuthenticationHeaderValue("Bearer", token) : null, certificate, status.Time("expirationTimestamp"));
    }

    private X509Certificate2? OwnCertificate(JsonElement status)
    {
        var (certificate, key) = (status.Text("clientCertificateData"), status.Text("clientKeyData"));
        if (certificate is null && key is null) return null;
        if (certificate is null || key is null) throw _exec["command"].Fault($"{_start.FileName} printed a client certificate without its key, or the reverse");
        try
        {
            return Certificates.Pair(Encoding.ASCII.GetBytes(certificate), Encoding.ASCII.GetBytes(key)).Own;
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException)
        {
            throw _exec["command"].Fault($"{_start.FileName} printed a client certificate that cannot be used: {fault.Message}", fault);
        }
    }

    private static JsonObject ClusterInfo(ConfigNode cluster)
    {
        var info = new JsonObject { ["server"] = cluster["server"].Text };
        if (cluster["tls-server-name"].Text is { Length: > 0 } name) info["tls-server-name"] = name;
        if (cluster["insecure-skip-tls-verify"].Flag) info["insecure-skip-tls-verify"] = true;
        if (cluster.Content("certificate-authority") is { } authority) info["certificate-authority-data"] = Convert.ToBase64String(authority);
        return info;
    }
}
