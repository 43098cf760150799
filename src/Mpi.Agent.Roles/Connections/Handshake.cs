using System.Net.Sockets;

namespace Mpi.Agent.Roles;

/// <summary>
/// Makes greeted connections of new ones: both sides proven, then a greeting each. Whatever is wrong with the other side is an
/// <see cref="IOException"/>; nothing of ours was said to it before it was proven. A connection is the link's own, or closed.
/// </summary>
public sealed class Handshake(IConnectionProof proof, TimeProvider time, LivenessPace pace)
{
    /// <summary>
    /// From TCP's connection to the greeting. A thousand workers that dial at once cost the launcher seconds of a processor, which with a tenth of
    /// one are half a minute: were the limit shorter, all would give up before their turn and begin anew, for ever. Well below how long a call waits.
    /// </summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    /// <summary>The launcher's side.</summary>
    public Task<AgentLink> AcceptAsync(Stream connection, Hello own, CancellationToken cancellation) => WithinLimitAsync(connection, async limit =>
    {
        var frames = new FrameLink(await proof.AsLauncherAsync(connection, limit));
        var peer = await GreetingAsync(frames, limit);
        if (peer.Role != AgentRole.Worker) throw new ProtocolException($"{peer.Role} dialled a launcher");
        frames.Post(own.ToFrame());
        return new AgentLink(frames, peer, time, pace);
    }, cancellation);

    /// <summary>The worker's side.</summary>
    public Task<AgentLink> ConnectAsync(Stream connection, Hello own, CancellationToken cancellation) => WithinLimitAsync(connection, async limit =>
    {
        var frames = new FrameLink(await proof.AsWorkerAsync(connection, limit));
        frames.Post(own.ToFrame());
        var peer = await GreetingAsync(frames, limit);
        return peer.Role == AgentRole.Worker ? throw new ProtocolException("a worker answered for a launcher") : new AgentLink(frames, peer, time, pace);
    }, cancellation);

    private async Task<AgentLink> WithinLimitAsync(Stream connection, Func<CancellationToken, Task<AgentLink>> handshake, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await handshake(both.Token);
        }
        catch (Exception fault)
        {
            await connection.DisposeAsync();
            switch (fault)
            {
                case OperationCanceledException when !cancellation.IsCancellationRequested:
                    throw new IOException($"no greeting within {Limit.TotalSeconds:0} s", fault);
                case SocketException or ObjectDisposedException:
                    throw new IOException(fault.Message, fault);
                default:
                    throw;
            }
        }
    }

    private static async Task<Hello> GreetingAsync(FrameLink frames, CancellationToken cancellation) =>
        await frames.ReadAsync(cancellation) is { } frame ? Hello.Read(frame) : throw new IOException("it closed the connection instead of a greeting");
}
