using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Mpi.Operator;

/// <summary>A job's key pair as its Secret holds it.</summary>
/// <param name="PrivateKey">PEM, <c>EC PRIVATE KEY</c> (SEC 1), in UTF-8.</param>
/// <param name="PublicKey">A line of an <c>authorized_keys</c> file, newline included, in UTF-8.</param>
public sealed record SshKeyPair(byte[] PrivateKey, byte[] PublicKey);

/// <summary>ECDSA on P-521, the kind that the old operator gave its jobs (spec/kubeflow-mpijob.md 2.2): images know it.</summary>
public sealed class EcdsaSshKeySource
{
    private const string KeyType = "ecdsa-sha2-nistp521";
    private const string CurveName = "nistp521";

    public SshKeyPair Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        return new SshKeyPair(
            Encoding.ASCII.GetBytes(key.ExportECPrivateKeyPem() + "\n"),
            Encoding.ASCII.GetBytes($"{KeyType} {Convert.ToBase64String(Blob(key.ExportParameters(includePrivateParameters: false)))}\n"));
    }

    /// <summary>RFC 5656 section 3.1: key type, curve name and uncompressed point, each behind its length.</summary>
    private static byte[] Blob(ECParameters parameters)
    {
        var point = new byte[1 + parameters.Q.X!.Length + parameters.Q.Y!.Length];
        point[0] = 0x04;
        parameters.Q.X.CopyTo(point, 1);
        parameters.Q.Y.CopyTo(point, 1 + parameters.Q.X.Length);

        var blob = new MemoryStream();
        Span<byte> length = stackalloc byte[4];
        foreach (var field in (ReadOnlySpan<byte[]>)[Encoding.ASCII.GetBytes(KeyType), Encoding.ASCII.GetBytes(CurveName), point])
        {
            BinaryPrimitives.WriteInt32BigEndian(length, field.Length);
            blob.Write(length);
            blob.Write(field);
        }

        return blob.ToArray();
    }
}
