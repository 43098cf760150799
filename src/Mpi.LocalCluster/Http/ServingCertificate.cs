using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mpi.LocalCluster;

/// <summary>A certificate for the loopback address and the authority that signed it, made anew for each start and kept in memory.</summary>
internal sealed class ServingCertificate : IDisposable
{
    private static readonly TimeSpan Validity = TimeSpan.FromDays(365);

    private ServingCertificate(string authorityPem, X509Certificate2 certificate) => (AuthorityPem, Certificate) = (authorityPem, certificate);

    public string AuthorityPem { get; }
    public X509Certificate2 Certificate { get; }

    public static ServingCertificate Create(DateTimeOffset now, string clusterDomain)
    {
        // A day early, for clocks that differ between the two sides of a virtual machine.
        var (from, to) = (now.AddDays(-1), now + Validity);
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=kubempi-local-authority", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using var authority = request.CreateSelfSigned(from, to);
        return new ServingCertificate(authority.ExportCertificatePem(), Server(authority, clusterDomain, from, to));
    }

    public void Dispose() => Certificate.Dispose();

    private static X509Certificate2 Server(X509Certificate2 authority, string clusterDomain, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=kubempi-local-apiserver", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1", "serverAuth")], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        // What pods call it by: the Service kubernetes, at the first address of the Services' range.
        names.AddIpAddress(new IPAddress([10, 96, 0, 1]));
        foreach (var name in (ReadOnlySpan<string>)["kubernetes", "kubernetes.default", "kubernetes.default.svc", $"kubernetes.default.svc.{clusterDomain}"]) names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(authority, from, to, RandomNumberGenerator.GetBytes(16));
        return signed.CopyWithPrivateKey(key);
    }
}
