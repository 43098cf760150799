using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mpi.Operator;

/// <summary>An authority as others know it.</summary>
/// <param name="Id">Its certificate's SHA-256.</param>
public sealed record Authority(string Id, DateTimeOffset NotAfter, string Pem);

/// <param name="Issuer">The authority that signed it: one of those trusted.</param>
public sealed record ServingCertificate(DateTimeOffset NotAfter, Authority Issuer);

/// <summary>What <see cref="WebhookKeys"/> are good for, as far as they can be read. Dates are not judged here.</summary>
/// <param name="Trusted">Oldest first.</param>
/// <param name="Signer">The one of them whose key there is; null where there is none.</param>
/// <param name="Serving">Null where there is none that fits its key, is for the host, and was signed by one of the trusted.</param>
public sealed record CertificateFacts(ImmutableArray<Authority> Trusted, Authority? Signer, ServingCertificate? Serving)
{
    public static CertificateFacts Of(WebhookKeys keys, string host)
    {
        var trusted = WebhookCertificates.ReadAuthorities(keys.Trusted);
        return new CertificateFacts(trusted, WebhookCertificates.SignerOf(trusted, keys.AuthorityKey), WebhookCertificates.ReadServing(keys, trusted, host));
    }
}

/// <summary>
/// Makes and reads the webhook's certificates: P-256, an authority of our own over one certificate for the webhook's host. Nothing is valid from a
/// date on: a clock that was ahead when one was made would have it refused until then, and that nobody used it before is no safety.
/// </summary>
public static class WebhookCertificates
{
    /// <summary>How long an authority lasts.</summary>
    public static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(3 * 365);

    /// <summary>How long the webhook's own certificate lasts.</summary>
    public static readonly TimeSpan ServingLife = TimeSpan.FromDays(90);

    /// <summary>More authorities than a rotation needs are trusted only where clocks jump or Secrets are lost again and again.</summary>
    private const int TrustedMax = 4;

    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");

    /// <summary>A new authority that signs from now on, trusted beside those that are.</summary>
    public static WebhookKeys AddAuthority(WebhookKeys keys, IEnumerable<Authority> trusted, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // Named apart, so that whoever builds a chain need not try each of several authorities of one name.
        var request = new CertificateRequest($"CN=kubempi-webhook-ca-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, now + AuthorityLife);
        return keys with
        {
            Trusted = Join([.. trusted.Select(static a => a.Pem).TakeLast(TrustedMax - 1), certificate.ExportCertificatePem()]),
            AuthorityKey = key.ExportPkcs8PrivateKeyPem(),
        };
    }

    /// <summary>A new certificate for the host, by the authority that signs.</summary>
    public static WebhookKeys Issue(WebhookKeys keys, Authority signer, ConversionOptions options, DateTimeOffset now)
    {
        using var authority = X509Certificate2.CreateFromPem(signer.Pem, keys.AuthorityKey);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=kubempi-webhook", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([ServerAuthentication], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var names = new SubjectAlternativeNameBuilder();
        if (options.HostIsAddress) names.AddIpAddress(System.Net.IPAddress.Parse(options.Host));
        else names.AddDnsName(options.Host);
        request.CertificateExtensions.Add(names.Build());
        using var signing = authority.GetECDsaPrivateKey()!;
        using var certificate = request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(signing), DateTimeOffset.UnixEpoch, now + ServingLife, RandomNumberGenerator.GetBytes(16));
        return keys with { Certificate = certificate.ExportCertificatePem() + "\n", Key = key.ExportPkcs8PrivateKeyPem() + "\n" };
    }

    public static string Join(IEnumerable<string> pems) => string.Concat(pems.Select(static p => p.Trim() + "\n"));

    /// <summary>Those of a bundle; none where it cannot be read.</summary>
    public static ImmutableArray<Authority> ReadAuthorities(string pem)
    {
        try
        {
            var read = new X509Certificate2Collection();
            read.ImportFromPem(pem);
            var authorities = read.Select(static c => new Authority(c.GetCertHashString(HashAlgorithmName.SHA256), Expiry(c), c.ExportCertificatePem())).ToImmutableArray();
            foreach (var certificate in read) certificate.Dispose();
            return authorities;
        }
        catch (CryptographicException)
        {
            // Damaged: as good as none, and made anew.
            return [];
        }
    }

    internal static Authority? SignerOf(ImmutableArray<Authority> trusted, string key)
    {
        foreach (var authority in trusted.Reverse())
        {
            if (TryPair(authority.Pem, key, out var pair))
            {
                pair.Dispose();
                return authority;
            }
        }

        return null;
    }

    internal static ServingCertificate? ReadServing(WebhookKeys keys, ImmutableArray<Authority> trusted, string host)
    {
        if (!TryPair(keys.Certificate, keys.Key, out var serving)) return null;
        using (serving)
        {
            return serving.MatchesHostname(host) && IssuerOf(serving, trusted) is { } issuer ? new ServingCertificate(Expiry(serving), issuer) : null;
        }
    }

    private static Authority? IssuerOf(X509Certificate2 certificate, ImmutableArray<Authority> trusted)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        chain.ChainPolicy.ApplicationPolicy.Add(ServerAuthentication);
        foreach (var authority in trusted) chain.ChainPolicy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(authority.Pem));
        if (!chain.Build(certificate)) return null;
        var root = chain.ChainElements[^1].Certificate.GetCertHashString(HashAlgorithmName.SHA256);
        return trusted.FirstOrDefault(a => a.Id == root);
    }

    private static bool TryPair(string certificate, string key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out X509Certificate2? pair)
    {
        try
        {
            pair = X509Certificate2.CreateFromPem(certificate, key);
            return true;
        }
        catch (Exception unfit) when (unfit is CryptographicException or ArgumentException)
        {
            // Damaged, missing, or of two different pairs: as good as none.
            pair = null;
            return false;
        }
    }

    private static DateTimeOffset Expiry(X509Certificate2 certificate) => new(certificate.NotAfter.ToUniversalTime());
}
