using System.Security.Cryptography;
using System.Text;
using Mpi.Agent.Roles;

namespace Simulation;

/// <summary>Both ends say which keys they have, and whoever has others is a stranger: who may meet whom, without cryptography.</summary>
internal sealed class SecretProof(string keys) : IConnectionProof
{
    private readonly byte[] _word = SHA256.HashData(Encoding.UTF8.GetBytes(keys));

    public Task<Stream> AsLauncherAsync(Stream connection, CancellationToken cancellation) => ProveAsync(connection, cancellation);

    public Task<Stream> AsWorkerAsync(Stream connection, CancellationToken cancellation) => ProveAsync(connection, cancellation);

    private async Task<Stream> ProveAsync(Stream connection, CancellationToken cancellation)
    {
        await connection.WriteAsync(_word, cancellation);
        var theirs = new byte[_word.Length];
        // Byte by byte as they come: .NET's own loop would go on in another thread.
        for (var filled = 0; filled < theirs.Length;)
        {
            var count = await connection.ReadAsync(theirs.AsMemory(filled), cancellation);
            if (count == 0) throw new IOException("it closed the connection instead of a proof");
            filled += count;
        }

        return theirs.AsSpan().SequenceEqual(_word) ? connection : throw new IOException("the other end has the keys of another job");
    }
}
