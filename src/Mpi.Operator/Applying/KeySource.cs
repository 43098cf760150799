using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using Mpi.Agent.Protocol;
using Mpi.Planning;

namespace Mpi.Operator;

/// <summary>Makes what the Secrets of jobs hold; behind an interface, because nothing else in the operator is random in earnest.</summary>
public interface IKeySource
{
    /// <summary>The <c>data</c> of a Secret: its keys and their values.</summary>
    ImmutableArray<KeyValuePair<string, byte[]>> Create(KeyKind kind);
}

/// <summary>New keys for each job.</summary>
public sealed class FreshKeySource : IKeySource
{
    private readonly EcdsaSshKeySource _ssh = new();

    public ImmutableArray<KeyValuePair<string, byte[]>> Create(KeyKind kind) => kind switch
    {
        KeyKind.Ssh => Of(_ssh.Create()),
        KeyKind.Agent => Of(JobCertificates.Create()),
        _ => throw new UnreachableException(),
    };

    private static ImmutableArray<KeyValuePair<string, byte[]>> Of(SshKeyPair pair) => [new("ssh-privatekey", pair.PrivateKey), new("ssh-publickey", pair.PublicKey)];

    private static ImmutableArray<KeyValuePair<string, byte[]>> Of(JobCertificates made) =>
    [
        new(JobCertificates.LauncherCertificateKey, Encoding.ASCII.GetBytes(made.LauncherCertificate)),
        new(JobCertificates.LauncherKeyKey, Encoding.ASCII.GetBytes(made.LauncherKey)),
        new(JobCertificates.WorkerCertificateKey, Encoding.ASCII.GetBytes(made.WorkerCertificate)),
        new(JobCertificates.WorkerKeyKey, Encoding.ASCII.GetBytes(made.WorkerKey)),
    ];
}
