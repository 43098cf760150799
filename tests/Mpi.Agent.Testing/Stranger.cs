using System.Net;
using System.Net.Sockets;

namespace Mpi.Agent.Testing;

/// <summary>Somebody who is no member of the job.</summary>
internal static class Stranger
{
    /// <summary>Connects, says nothing or nonsense, and stays.</summary>
    public static async Task KnockAsync(MemoryNetwork network, IPEndPoint at, Random random, CancellationToken cancellation)
    {
        try
        {
            var connection = await network.Of("stranger").ConnectAsync(at, cancellation);
            var nonsense = new byte[random.Next(100)];
            random.NextBytes(nonsense);
            await connection.WriteAsync(nonsense, cancellation);
        }
        catch (Exception fault) when (fault is SocketException or IOException)
        {
            // Nobody listens just now, or whoever did is gone again.
        }
    }
}
