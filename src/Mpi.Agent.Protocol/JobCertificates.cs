using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mpi.Agent.Protocol;

/// <summary>
/// The two certificates of one job, PEM: the launcher's side proves itself with one, the workers with the other. Each accepts exactly
/// the other's, so a worker's key opens no other worker, and no other job's key opens anything.
/// </summary>
public sealed record JobCertificates(string LauncherCertificate, string LauncherKey, string WorkerCertificate, string WorkerKey)
{
    /// <summary>Keys of a job's Secret; a pod gets its side's key only.</summary>
    public const string LauncherCertificateKey = "launcher.crt";
    public const string LauncherKeyKey = "launcher.key";
    public const string WorkerCertificateKey = "worker.crt";
    public const string WorkerKeyKey = "worker.key";

    /// <summary>All of them, in the order of their names.</summary>
    public static readonly ImmutableArray<string> Keys = [LauncherCertificateKey, LauncherKeyKey, WorkerCertificateKey, WorkerKeyKey];

    /// <summary>New ones, good for as long as they are in use: their dates say nothing, for no clock is asked.</summary>
    public static JobCertificates Create()
    {
        var (launcherCertificate, launcherKey) = CreateOne("kubempi-launcher");
        var (workerCertificate, workerKey) = CreateOne("kubempi-worker");
        return new JobCertificates(launcherCertificate, launcherKey, workerCertificate, workerKey);
    }

    private static (string Certificate, string Key) CreateOne(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        // For both ends of a connection (RFC 5280, 4.2.1.12).
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(9999, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
