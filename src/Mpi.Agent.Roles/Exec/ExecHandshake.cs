using System.Globalization;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace Mpi.Agent.Roles;

/// <summary>
/// Opens <c>pods/exec</c> as a WebSocket (RFC 6455, 4). By hand: .NET's own client brings the whole of its HTTP along, several
/// megabytes for one request.
/// </summary>
internal static class ExecHandshake
{
    public const string V5 = "v5.channel.k8s.io";
    public const string V4 = "v4.channel.k8s.io";

    private const int HeadBytesMax = 32 * 1024;
    private const int BodyBytesMax = 64 * 1024;

    // Some proxies cut connections that say nothing for a minute.
    private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(15);

    /// <param name="target">Path and query.</param>
    /// <param name="host">As in HTTP's <c>Host</c>.</param>
    /// <exception cref="ExecException">The server refused.</exception>
    /// <exception cref="IOException">It is no API server that speaks so.</exception>
    public static async Task<WebSocket> UpgradeAsync(Stream stream, string host, string target, string token, CancellationToken cancellation)
    {
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        var request = $"""
            GET {target} HTTP/1.1
            Host: {host}
            Authorization: Bearer {token}
            User-Agent: kubempi-agent
            Connection: Upgrade
            Upgrade: websocket
            Sec-WebSocket-Version: 13
            Sec-WebSocket-Key: {key}
            Sec-WebSocket-Protocol: {V5}, {V4}


            """.ReplaceLineEndings("\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), cancellation);
        await stream.FlushAsync(cancellation);

        var (code, line, headers) = await ReadHeadAsync(stream, cancellation);
        if (code != 101) throw ExecException.Of(code, await ReadBodyAsync(stream, headers, cancellation), $"the API server answered {line}", began: false);
        var protocol = headers.GetValueOrDefault("Sec-WebSocket-Protocol", "");
        if (headers.GetValueOrDefault("Sec-WebSocket-Accept") != Accept(key)) throw new IOException("the API server's answer is no WebSocket's: something between changes it");
        if (protocol is not (V5 or V4)) throw new IOException($"the API server speaks {(protocol.Length > 0 ? protocol : "no protocol of exec")} and neither {V5} nor {V4}");
        return WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { SubProtocol = protocol, KeepAliveInterval = SignOfLife });
    }

    /// <summary>What a server answers to a key (RFC 6455, 4.2.2), which shows that it means this very request. SHA-1 as the standard has it: no secret hangs on it.</summary>
    internal static string Accept(string key)
    {
        const string guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
        return Convert.ToBase64String(CryptographicOperations.HashData(HashAlgorithmName.SHA1, Encoding.ASCII.GetBytes(key + guid)));
    }

    /// <summary>Byte by byte: what follows the head is the WebSocket's.</summary>
    private static async Task<(int Code, string Line, Dictionary<string, string> Headers)> ReadHeadAsync(Stream stream, CancellationToken cancellation)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (head is not [.., (byte)'\r', (byte)'\n', (byte)'\r', (byte)'\n'])
        {
            if (head.Count == HeadBytesMax || await stream.ReadAsync(one, cancellation) == 0) throw new IOException("the API server ended the connection instead of answering");
            head.Add(one[0]);
        }

        var lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        // "HTTP/1.1 403 Forbidden"
        var words = lines[0].Split(' ', 2);
        if (words.Length < 2 || !words[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || words[1].Length < 3 || !int.TryParse(words[1].AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var code))
        {
            throw new IOException($"no answer of HTTP: {lines[0]}");
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var header in lines.Skip(1).Select(static l => l.Split(':', 2)).Where(static h => h.Length == 2)) headers[header[0].Trim()] = header[1].Trim();
        return (code, words[1], headers);
    }

    /// <summary>The API server gives its refusals a length; of anything else the status line is enough.</summary>
    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(Stream stream, Dictionary<string, string> headers, CancellationToken cancellation)
    {
        if (!int.TryParse(headers.GetValueOrDefault("Content-Length"), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > BodyBytesMax) return default;
        var body = new byte[length];
        return body.AsMemory(0, await stream.ReadAtLeastAsync(body, length, throwOnEndOfStream: false, cancellation));
    }
}
