using Mpi.Agent.Roles;

namespace Mpi.Agent.Testing;

/// <summary>Both ends are who they say they are: simulations are about everything but cryptography.</summary>
internal sealed class NoProof : IConnectionProof
{
    public Task<Stream> AsLauncherAsync(Stream connection, CancellationToken cancellation) => Task.FromResult(connection);

    public Task<Stream> AsWorkerAsync(Stream connection, CancellationToken cancellation) => Task.FromResult(connection);
}
