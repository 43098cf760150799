using System.Net;
using System.Threading.Channels;
using Microsoft.Win32.SafeHandles;

namespace Mpi.Agent.Roles;

/// <summary>
/// The role <c>exec-shell</c>: what MPI's launchers call instead of ssh where commands run in the workers through the Kubernetes API.
/// It is the command's streams and its exit code; signals are not carried, since the API has none: daemons of MPI end with the
/// launcher that they have lost.
/// </summary>
internal sealed class ExecShell(PodCommands pods, StandardStreams streams, TimeProvider time)
{
    /// <summary>How long a worker whose container restarts, or an API server that is busy, is tried again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(4);

    /// <param name="args">The path of the script that named this role, then ssh's: options, a host, the words of a command.</param>
    public static async Task<int> RunAsync(ReadOnlyMemory<string> args, AgentEnvironment agent, CancellationToken cancellation)
    {
        if (args.IsEmpty) throw new UsageException("exec-shell: the path of its script is missing.");
        var call = RemoteShellCall.Parse(args.Span[1..]);
        try
        {
            if (OwnHost.IsMeantBy(call, agent)) return OwnHost.Become(call);
            NoAuthorities.Forget();
            return await new ExecShell(PodCommands.OfThisPod(agent), StandardStreams.OfThisProcess(), agent.Time).CallAsync(call, Environment.MachineName, cancellation);
        }
        catch (IOException fault)
        {
            await agent.Error.WriteLineAsync($"kubempi-agent: {Hostfile.Short(call.Host)}: {fault.Message}");
            return RemoteShell.Unreachable;
        }
    }

    /// <summary>Runs the call's command and returns its exit code.</summary>
    /// <exception cref="IOException">It did not come to that.</exception>
    internal async Task<int> CallAsync(RemoteShellCall call, string ownHost, CancellationToken cancellation)
    {
        using var input = new InputThread(streams.Input);
        var begin = time.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                await using var session = await pods.StartAsync(call.Host, own => Line(call, ownHost, own), withInput: true, cancellation);
                return await session.RunAsync(input.ReadAllAsync(cancellation), Write, cancellation);
            }
            catch (ExecException fault) when (fault.WorthAnotherTry && input.IsUntouched && time.GetElapsedTime(begin) < Patience)
            {
                await Task.Delay(pause, time, cancellation);
            }
        }
    }

    /// <summary>An address that is no one else's, such as a proxy's in the pod, is none to be called back under.</summary>
    private static string Line(RemoteShellCall call, string ownHost, IPAddress own) =>
        (IPAddress.IsLoopback(own) ? call : call.WithControlPort(ownHost, own)).Line;

    private void Write(bool error, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            LibC.Write(error ? streams.Error : streams.Output, bytes.Span);
        }
        catch (IOException)
        {
            // Nobody reads this stream any more: the program goes on, as it would behind ssh.
        }
    }
}

/// <summary>Reads a descriptor that may block, or may not, as whoever made it wanted; a few pieces ahead of whoever takes them.</summary>
internal sealed class InputThread : IDisposable
{
    private const int PieceBytes = 16 * 1024;

    private readonly SafeFileHandle _file;
    private readonly Channel<ReadOnlyMemory<byte>> _pieces = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();
    // What bounds the channel.
    private readonly SemaphoreSlim _room = new(4);

    public InputThread(SafeFileHandle file)
    {
        _file = file;
        new Thread(Run) { IsBackground = true }.Start();
    }

    /// <summary>Nothing has been taken yet, so that another reader would miss nothing.</summary>
    public bool IsUntouched { get; private set; } = true;

    /// <summary>The pieces in order; a piece counts as taken when the next one is asked for.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAllAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var piece in _pieces.Reader.ReadAllAsync(cancellation))
        {
            IsUntouched = false;
            yield return piece;
            _room.Release();
        }
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                _room.Wait();
                var piece = new byte[PieceBytes];
                if (LibC.Read(_file, piece) is not (> 0 and var count)) break;
                _pieces.Writer.TryWrite(piece.AsMemory(0, count));
            }
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            // Input that cannot be read, such as one that was closed, has ended.
        }

        _pieces.Writer.Complete();
    }

    /// <summary>The thread stays in its read, if it is in one, for as long as the process lives.</summary>
    public void Dispose() => _room.Dispose();
}
