using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;

namespace Mpi.Operator.Tests;

[SupportedOSPlatform("linux")]
public sealed class SshKeySourceTests
{
    [Fact]
    public void The_private_key_is_a_SEC_1_PEM_of_curve_P_521()
    {
        var pem = Encoding.ASCII.GetString(new EcdsaSshKeySource().Create().PrivateKey);
        Assert.StartsWith("-----BEGIN EC PRIVATE KEY-----\n", pem);
        Assert.EndsWith("-----END EC PRIVATE KEY-----\n", pem);
        using var key = ECDsa.Create();
        key.ImportFromPem(pem);
        Assert.Equal(521, key.KeySize);
    }

    [Fact]
    public void The_public_line_holds_type_curve_and_the_point_of_the_private_key()
    {
        var pair = new EcdsaSshKeySource().Create();
        var line = Encoding.ASCII.GetString(pair.PublicKey);
        Assert.EndsWith("\n", line);
        var words = line.TrimEnd('\n').Split(' ');
        Assert.Equal("ecdsa-sha2-nistp521", words[0]);
        var fields = Fields(Convert.FromBase64String(words[1])).ToArray();
        Assert.Equal("ecdsa-sha2-nistp521", Encoding.ASCII.GetString(fields[0]));
        Assert.Equal("nistp521", Encoding.ASCII.GetString(fields[1]));

        using var key = ECDsa.Create();
        key.ImportFromPem(Encoding.ASCII.GetString(pair.PrivateKey));
        var point = key.ExportParameters(false).Q;
        Assert.Equal([0x04, .. point.X!, .. point.Y!], fields[2]);
        Assert.Equal(1 + 66 + 66, fields[2].Length);
    }

    [Fact]
    public void Two_jobs_get_different_keys()
    {
        var source = new EcdsaSshKeySource();
        Assert.NotEqual(source.Create().PublicKey, source.Create().PublicKey);
    }

    [Fact]
    public void OpenSSH_derives_the_same_public_line_from_the_private_key()
    {
        const string program = "/usr/bin/ssh-keygen";
        Assert.SkipUnless(File.Exists(program), "OpenSSH's ssh-keygen is not installed");
        var pair = new EcdsaSshKeySource().Create();
        var folder = Directory.CreateTempSubdirectory("kubempi-keys-");
        try
        {
            var file = Path.Combine(folder.FullName, "id");
            File.WriteAllBytes(file, pair.PrivateKey);
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            using var process = Process.Start(new ProcessStartInfo(program, ["-y", "-f", file]) { RedirectStandardOutput = true, UseShellExecute = false })!;
            var derived = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
            Assert.Equal(Encoding.ASCII.GetString(pair.PublicKey).Trim(), derived.Trim());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static IEnumerable<byte[]> Fields(byte[] blob)
    {
        for (var at = 0; at < blob.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(blob.AsSpan(at));
            yield return blob[(at + 4)..(at + 4 + length)];
            at += 4 + length;
        }
    }
}
