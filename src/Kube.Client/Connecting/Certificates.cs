using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Kube.Client;

/// <summary>Certificates and keys in PEM, as kubeconfig files hold them: RSA and EC keys, in their own or in PKCS#8 form.</summary>
internal static class Certificates
{
    /// <exception cref="ConnectionException">Through <paramref name="fault"/>.</exception>
    public static X509Certificate2Collection Authorities(byte[] pem, Func<string, Exception, ConnectionException> fault)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(Encoding.ASCII.GetString(pem));
            return authorities.Count > 0 ? authorities : throw new CryptographicException("it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
        }
        catch (CryptographicException cause)
        {
            throw fault($"is no certificate authority: {cause.Message}", cause);
        }
    }

    /// <exception cref="ConnectionException">Through <paramref name="fault"/>.</exception>
    public static SslStreamCertificateContext Client(byte[] certificate, byte[] key, Func<string, Exception, ConnectionException> fault)
    {
        try
        {
            var (own, chain) = Pair(certificate, key);
            // Offline: whatever is missing of the chain is the server's to know, nothing is fetched from anywhere.
            return SslStreamCertificateContext.Create(own, chain, offline: true);
        }
        catch (Exception cause) when (cause is CryptographicException or ArgumentException or NotSupportedException)
        {
            throw fault($"certificate and key cannot be used together: {cause.Message}", cause);
        }
    }

    public static (X509Certificate2 Own, X509Certificate2Collection Chain) Pair(byte[] certificate, byte[] key)
    {
        var (certificatePem, keyPem) = (Encoding.ASCII.GetString(certificate), Encoding.ASCII.GetString(key));
        var own = X509Certificate2.CreateFromPem(certificatePem, keyPem);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(certificatePem);
        if (chain.Count > 0) chain.RemoveAt(0);
        return (own, chain);
    }
}
