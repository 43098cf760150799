using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

/// <summary>An API server of which only <c>pods/exec</c> is played, call by call, over real TLS on loopback; and a pod's files for it.</summary>
internal sealed class ScriptedApiServer : IAsyncDisposable
{
    private readonly TestEnvironment _environment = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _certificate;
    private readonly Queue<Func<ScriptedCall, Task>> _script;
    private readonly Task _serving;

    /// <param name="script">One part a call, in order.</param>
    public ScriptedApiServer(params Func<ScriptedCall, Task>[] script)
    {
        _script = new(script);
        using var authority = Authority();
        _certificate = Certificate(authority);
        File.WriteAllText(_environment.File("ca.crt"), authority.ExportCertificatePem());
        File.WriteAllText(_environment.File("token"), "the-pods-token\n");
        File.WriteAllText(_environment.File("namespace"), "team");
        _listener.Start();
        _serving = ServeAsync();
    }

    public ApiServer Access => new("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port, _environment.Folder);

    public PodCommands Pods(string container = "worker") => new(Access, container, new NameResolver("/nonexistent", "/nonexistent", TimeProvider.System, new Random(1)), TimeProvider.System);

    /// <summary>Another authority than the one that vouches for this server.</summary>
    public void ForgetAuthority()
    {
        using var other = Authority();
        File.WriteAllText(_environment.File("ca.crt"), other.ExportCertificatePem());
    }

    public void TakeTokenAway() => File.Delete(_environment.File("token"));

    public List<string> Requests { get; } = [];

    private async Task ServeAsync()
    {
        while (_script.TryDequeue(out var part))
        {
            using var client = await _listener.AcceptTcpClientAsync();
            await using var tls = new SslStream(client.GetStream());
            try
            {
                await tls.AuthenticateAsServerAsync(_certificate);
                var call = new ScriptedCall(tls, await ReadHeadAsync(tls));
                Requests.Add(call.Head);
                await part(call);
            }
            catch (Exception gone) when (gone is IOException or WebSocketException or System.Security.Authentication.AuthenticationException)
            {
                // A client that goes away in the middle is what some tests are about.
            }
        }
    }

    private static async Task<string> ReadHeadAsync(Stream stream)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (head is not [.., (byte)'\r', (byte)'\n', (byte)'\r', (byte)'\n'] && await stream.ReadAsync(one) > 0) head.Add(one[0]);
        return Encoding.ASCII.GetString([.. head]);
    }

    private static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=cluster", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UtcNow.AddYears(1));
    }

    private static X509Certificate2 Certificate(X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=kube-apiserver", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(authority, DateTimeOffset.UnixEpoch.AddDays(1), DateTimeOffset.UtcNow.AddMonths(1), [1, 2, 3]);
        return signed.CopyWithPrivateKey(key);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Dispose();
        _certificate.Dispose();
        _environment.Dispose();
    }
}

/// <summary>One call, as the server sees it.</summary>
internal sealed class ScriptedCall(Stream stream, string head)
{
    private WebSocket? _socket;

    public string Head => head;

    public async Task RefuseAsync(int code, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {code} No\r\nContent-Length: {bytes.Length}\r\n\r\n")));
        await stream.WriteAsync(bytes);
    }

    public async Task AcceptAsync(string protocol = "v5.channel.k8s.io")
    {
        var key = head.Split("\r\n").Single(static l => l.StartsWith("Sec-WebSocket-Key: ", StringComparison.Ordinal))["Sec-WebSocket-Key: ".Length..];
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {ExecHandshake.Accept(key)}\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"));
        _socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, SubProtocol = protocol });
    }

    public Task SendAsync(byte channel, string text) => _socket!.SendAsync((byte[])[channel, .. Encoding.UTF8.GetBytes(text)], WebSocketMessageType.Binary, true, CancellationToken.None);

    /// <summary>In frames of one byte each, the channel's own among them.</summary>
    public async Task SendInPiecesAsync(byte channel, string text)
    {
        byte[] all = [channel, .. Encoding.UTF8.GetBytes(text)];
        for (var i = 0; i < all.Length; i++) await _socket!.SendAsync(all.AsMemory(i, 1), WebSocketMessageType.Binary, i == all.Length - 1, CancellationToken.None);
    }

    public Task EndAsync(int exitCode) => SendAsync(3, exitCode == 0
        ? """{"metadata":{},"status":"Success"}"""
        : $$$"""{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"{{{exitCode}}}"}]}}""");

    /// <summary>The client's next message, its channel first.</summary>
    public async Task<byte[]> ReceiveAsync()
    {
        var buffer = new byte[64 * 1024];
        var received = await _socket!.ReceiveAsync(buffer, CancellationToken.None);
        Assert.True(received.EndOfMessage);
        return buffer[..received.Count];
    }

    public Task HangUpAsync() => _socket!.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
}
