using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// What one side of a job's connections proves itself with and what it accepts: its own certificate and key, and the one
/// certificate of the other side. Trust is equality: no authority, no name, no date is asked, so neither a wrong clock nor
/// the image's own list of authorities matters.
/// </summary>
public sealed class AgentCredentials : IDisposable
{
    private readonly byte[] _peer;

    private AgentCredentials(X509Certificate2 own, X509Certificate2 peer)
    {
        Own = own;
        Peer = peer;
        _peer = peer.RawData;
    }

    public X509Certificate2 Own { get; }

    public X509Certificate2 Peer { get; }

    /// <summary>This pod's own, where its environment says that they are; of a pod that may be either side, those of the side that it is.</summary>
    /// <exception cref="IOException">They are missing or damaged.</exception>
    /// <exception cref="UsageException">The environment does not say where.</exception>
    public static AgentCredentials LoadOwn(AgentEnvironment agent)
    {
        var directory = WorkerOptions.Required(agent, AgentContract.CredentialsVariable);
        var side = Path.Combine(directory, MemberRole.Leads(agent) ? AgentContract.LauncherCredentials : AgentContract.WorkerCredentials);
        return Load(Directory.Exists(side) ? side : directory);
    }

    /// <summary>The credentials in a folder (<see cref="AgentContract.CertificateFile"/> and its neighbours).</summary>
    /// <exception cref="IOException">They are missing or damaged.</exception>
    public static AgentCredentials Load(string directory)
    {
        try
        {
            return new AgentCredentials(
                X509Certificate2.CreateFromPemFile(Path.Combine(directory, AgentContract.CertificateFile), Path.Combine(directory, AgentContract.KeyFile)),
                X509Certificate2.CreateFromPem(File.ReadAllText(Path.Combine(directory, AgentContract.PeerFile))));
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            // An argument is wrong where a key is not its certificate's. Never with what a file holds.
            throw new IOException($"the credentials in {directory} cannot be read: {fault.Message}", fault);
        }
    }

    public bool IsPeer(X509Certificate? certificate) => certificate is not null && CryptographicOperations.FixedTimeEquals(certificate.GetRawCertData(), _peer);

    public void Dispose()
    {
        Own.Dispose();
        Peer.Dispose();
    }
}
