using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Kube.Testing;
using Kube.Types;

namespace Kube.Client.Tests;

/// <summary>Trust in both directions, over streams in memory.</summary>
public sealed class TlsTests
{
    private static readonly X509Certificate2 Authority = Ca("CN=authority");
    private static readonly X509Certificate2 Stranger = Ca("CN=stranger");
    private string? _clientName;
    private string _serverName = "";
    private string _authorization = "";
    private int _refusals;

    [Fact]
    public async Task A_server_is_trusted_by_its_authority_and_address()
    {
        Assert.Equal("1", (await Ask(Connection())).Text("major"));
        var stranger = await Assert.ThrowsAsync<HttpRequestException>(() => Ask(Connection() with { Authorities = [Stranger] }));
        Assert.Equal(HttpRequestError.SecureConnectionError, stranger.HttpRequestError);
        Assert.Contains("PartialChain", stranger.Message);
        await Assert.ThrowsAsync<HttpRequestException>(() => Ask(Connection() with { Server = new Uri("https://10.9.9.9:6443") }));
        Assert.Equal("1", (await Ask(Connection() with { Server = new Uri("https://10.9.9.9:6443"), SkipTlsVerification = true })).Text("major"));
    }

    [Fact]
    public async Task The_name_in_the_servers_certificate_may_be_another_than_the_address()
    {
        await Ask(Connection() with { Server = new Uri("https://10.9.9.9:6443"), TlsServerName = "kubernetes.default" });
        Assert.Equal("kubernetes.default", _serverName);
        await Assert.ThrowsAsync<HttpRequestException>(() => Ask(Connection() with { TlsServerName = "other.default" }));
    }

    [Fact]
    public async Task Our_certificate_is_shown()
    {
        var (certificate, key) = Issue("CN=me", Authority, _ => { });
        await Ask(Connection() with { ClientCertificate = Certificates.Client(certificate, key, (f, c) => new ConnectionException(f, c)) });
        Assert.Equal("CN=me", _clientName);
        await Ask(Connection());
        Assert.Null(_clientName);
    }

    [Fact]
    public async Task A_refused_token_is_replaced_once_when_there_is_a_newer_one()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "old");
        var connection = Connection() with { Credentials = new TokenFileCredentials(file, new VirtualClock()) };
        await Ask(connection);
        Assert.Equal("Bearer old", _authorization);
        await File.WriteAllTextAsync(file, "new");
        _refusals = 1;
        await Ask(connection);
        Assert.Equal("Bearer new", _authorization);
        _refusals = 2;
        var fault = await Assert.ThrowsAsync<ApiException>(() => Ask(connection));
        Assert.Equal(Responsibility.Administrator, fault.Responsibility);
        File.Delete(file);
    }

    private static ClusterConnection Connection() => new(new Uri("https://10.0.0.1:6443"), "test") { Authorities = [Authority] };

    private async Task<System.Text.Json.JsonElement> Ask(ClusterConnection connection)
    {
        using var client = new KubeClient(connection.CreateHandler((_, _) => ValueTask.FromResult(Connect())), connection.Server, KubeClientOptions.Default, TimeProvider.System);
        return await client.ReadAsync("/version", CancellationToken.None);
    }

    private Stream Connect()
    {
        var (up, down) = (new Pipe(), new Pipe());
        _ = ServeAsync(new DuplexStream(up.Reader.AsStream(), down.Writer.AsStream()));
        return new DuplexStream(down.Reader.AsStream(), up.Writer.AsStream());
    }

    private async Task ServeAsync(Stream stream)
    {
        var (certificate, key) = Issue("CN=server", Authority, static names =>
        {
            names.AddIpAddress(IPAddress.Parse("10.0.0.1"));
            names.AddDnsName("kubernetes.default");
        });
        try
        {
            await using var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = Certificates.Client(certificate, key, (f, c) => new ConnectionException(f, c)),
                ClientCertificateRequired = true,
                RemoteCertificateValidationCallback = (_, shown, _, _) =>
                {
                    _clientName = shown?.Subject;
                    return shown is null || shown.Issuer == Authority.Subject;
                },
            });
            _serverName = tls.TargetHostName;
            using var reader = new StreamReader(tls);
            while (await reader.ReadLineAsync() is { } line)
            {
                if (line.StartsWith("Authorization: ")) _authorization = line["Authorization: ".Length..];
                if (line.Length > 0) continue;
                var refused = _refusals > 0;
                if (refused) _refusals--;
                var body = "{\"major\":\"1\"}";
                await tls.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {(refused ? "401 Unauthorized" : "200 OK")}\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
            }
        }
        catch (Exception fault) when (fault is IOException or AuthenticationException)
        {
            // The client did not trust us: what some of these tests ask for.
            await stream.DisposeAsync();
        }
    }

    private static X509Certificate2 Ca(string name)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static (byte[] Certificate, byte[] Key) Issue(string name, X509Certificate2 issuer, Action<SubjectAlternativeNameBuilder> fill)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        fill(names);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(issuer, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        return (Encoding.ASCII.GetBytes(certificate.ExportCertificatePem()), Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
    }

    private sealed class DuplexStream(Stream reading, Stream writing) : Stream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => reading.ReadAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => reading.ReadAsync(buffer, offset, count, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await writing.WriteAsync(buffer, cancellationToken);
            await writing.FlushAsync(cancellationToken);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task FlushAsync(CancellationToken cancellationToken) => writing.FlushAsync(cancellationToken);

        protected override void Dispose(bool disposing)
        {
            writing.Dispose();
            reading.Dispose();
            base.Dispose(disposing);
        }

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => writing.Flush();
        public override int Read(byte[] buffer, int offset, int count) => reading.Read(buffer, offset, count);
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => writing.Write(buffer, offset, count);
    }
}
