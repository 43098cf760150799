using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Kube.Client;

/// <summary>Who we are to the server, as a header. Thread-safe.</summary>
public interface IClusterCredentials
{
    /// <summary>What goes into the header <c>Authorization</c>; null for nothing.</summary>
    /// <exception cref="ConnectionException">The credentials cannot be had.</exception>
    ValueTask<AuthenticationHeaderValue?> GetAsync(CancellationToken cancellation);

    /// <summary>The server refused these. True when asking again may bring better ones.</summary>
    bool Refused(AuthenticationHeaderValue? header);

    bool MayBringCertificate => false;

    /// <summary>A certificate that came along.</summary>
    X509Certificate2? Certificate => null;
}

/// <summary>A header that stays as it is: a token, or a user's name and password.</summary>
public sealed class FixedCredentials : IClusterCredentials
{
    private readonly AuthenticationHeaderValue _header;

    private FixedCredentials(AuthenticationHeaderValue header) => _header = header;

    public static FixedCredentials Token(string token) => new(new AuthenticationHeaderValue("Bearer", token));

    public static FixedCredentials Basic(string user, string password) =>
        new(new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"))));

    public ValueTask<AuthenticationHeaderValue?> GetAsync(CancellationToken cancellation) => ValueTask.FromResult<AuthenticationHeaderValue?>(_header);

    public bool Refused(AuthenticationHeaderValue? header) => false;
}

/// <summary>A token in a file, read again each minute: the kubelet replaces a service account's token before it expires.</summary>
public sealed class TokenFileCredentials(string path, TimeProvider time) : IClusterCredentials
{
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private AuthenticationHeaderValue? _header;
    private DateTimeOffset _read;

    public ValueTask<AuthenticationHeaderValue?> GetAsync(CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (_header is null || time.GetUtcNow() - _read >= Kept) Read();
            return ValueTask.FromResult(_header);
        }
    }

    public bool Refused(AuthenticationHeaderValue? header)
    {
        lock (_gate)
        {
            var refused = _header;
            _header = null;
            Read();
            return !Equals(_header, refused);
        }
    }

    private void Read()
    {
        try
        {
            var token = File.ReadAllText(path).Trim();
            if (token.Length == 0) throw new ConnectionException($"the token file {path} is empty");
            _header = new AuthenticationHeaderValue("Bearer", token);
            _read = time.GetUtcNow();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // While the file is being replaced, the token read before is as good as it was.
            if (_header is null) throw new ConnectionException($"cannot read the token file {path}: {fault.Message}", fault);
            _read = time.GetUtcNow();
        }
    }
}
