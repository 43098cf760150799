using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// The role <c>remote-shell</c>: what MPI's launchers call instead of ssh. It asks the launcher's process for the worker, has the
/// command line started there, and is its streams, its signals and its exit code.
/// </summary>
public sealed class RemoteShell
{
    /// <summary>ssh's own code for "it did not come to that".</summary>
    public const int Unreachable = 255;

    /// <summary>How long a program that was signalled may take before it is ended with all that it started.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    /// <summary>Passed on to the program; the numbers are Linux'.</summary>
    private static readonly int[] Signals = [1 /* HUP */, 2 /* INT */, 3 /* QUIT */, 10 /* USR1 */, 12 /* USR2 */, LibC.SigTerm];

    private readonly FrameLink _frames;
    private readonly StandardStreams _streams;
    private readonly TimeProvider _time;
    private readonly CreditWindow _input = new();

    private RemoteShell(FrameLink frames, StandardStreams streams, TimeProvider time) => (_frames, _streams, _time) = (frames, streams, time);

    /// <param name="args">The path of the script that named this role, then ssh's: options, a host, the words of a command.</param>
    public static async Task<int> RunAsync(ReadOnlyMemory<string> args, AgentEnvironment agent, CancellationToken cancellation)
    {
        if (args.IsEmpty) throw new UsageException("remote-shell: the path of its script is missing.");
        var directory = agent.Variable(AgentContract.DirectoryVariable) ?? Path.GetDirectoryName(Path.GetFullPath(args.Span[0]))!;
        var call = RemoteShellCall.Parse(args.Span[1..]);
        try
        {
            if (OwnHost.IsMeantBy(call, agent)) return OwnHost.Become(call);
            await using var frames = await new LauncherStart(new LauncherFiles(directory), agent.Time).ConnectAsync(cancellation);
            return await new RemoteShell(frames, StandardStreams.OfThisProcess(), agent.Time).CallAsync(call, Environment.MachineName, cancellation);
        }
        catch (IOException fault)
        {
            await agent.Error.WriteLineAsync($"kubempi-agent: {Hostfile.Short(call.Host)}: {fault.Message}");
            return Unreachable;
        }
    }

    /// <summary>Calls over a connection to the launcher's process, and returns the program's exit code.</summary>
    internal static Task<int> CallAsync(FrameLink frames, RemoteShellCall call, string ownHost, StandardStreams streams, TimeProvider time, CancellationToken cancellation) =>
        new RemoteShell(frames, streams, time).CallAsync(call, ownHost, cancellation);

    private async Task<int> CallAsync(RemoteShellCall call, string ownHost, CancellationToken cancellation)
    {
        _frames.Post(Messages.Open(call.Host));
        var opened = await NextAsync(CancellationToken.None);
        if (opened.Type != FrameType.Opened) throw new ProtocolException($"{opened.Type} instead of a worker");
        _frames.Post(new StartRequest(call.WithControlPort(ownHost, Messages.ReadOpened(opened)).Words, Shell: true, [], "").ToFrame(0));

        using var registrations = new SignalForwarding(Signals, signal => _frames.Post(Messages.Signal(0, signal)));
        BeginInput();
        using var output = new OutputThread(_streams.Output, SessionStream.Output, _frames);
        using var error = new OutputThread(_streams.Error, SessionStream.Error, _frames);
        // The signal itself has been passed on; after a grace nothing is waited for any more.
        using var giveUp = new CancellationTokenSource();
        await using var onEnd = cancellation.Register(() => giveUp.CancelAfter(Grace));
        try
        {
            while (true)
            {
                var frame = await NextAsync(giveUp.Token);
                switch (frame.Type)
                {
                    case FrameType.Data:
                        var (stream, bytes) = Messages.ReadData(frame);
                        (stream == SessionStream.Error ? error : output).Write(bytes);
                        break;
                    case FrameType.End:
                        break;
                    case FrameType.Credit:
                        _input.Give(Messages.ReadCredit(frame).Count);
                        break;
                    case FrameType.Exit:
                        return SessionEnd.Read(frame).ExitCode;
                    default:
                        throw new ProtocolException($"{frame.Type} in a session");
                }
            }
        }
        catch (OperationCanceledException)
        {
            return AgentProgram.Terminated;
        }
    }

    private async Task<Frame> NextAsync(CancellationToken cancellation) => await _frames.ReadAsync(cancellation) switch
    {
        null => throw new IOException("the launcher's agent has ended"),
        { Type: FrameType.Refused } refused => throw new IOException(Messages.ReadText(refused)),
        { } frame => frame,
    };

    /// <summary>mpirun gives its daemons /dev/null, which is over at once: a thread for it would cost as much as the rest of a call.</summary>
    private void BeginInput()
    {
        var buffer = new byte[16 * 1024];
        int? first = LibC.IsReadable(_streams.Input) ? ReadInput(buffer) : null;
        if (first == 0) _frames.Post(Messages.End(0, SessionStream.Input));
        else new Thread(() => SendInput(buffer, first ?? ReadInput(buffer))) { IsBackground = true }.Start();
    }

    private void SendInput(byte[] buffer, int count)
    {
        for (; count > 0; count = ReadInput(buffer))
        {
            for (var sent = 0; sent < count;)
            {
                var part = _input.Take(count - sent);
                _frames.Post(Messages.Data(0, SessionStream.Input, buffer.AsSpan(sent, part)));
                sent += part;
            }
        }

        _frames.Post(Messages.End(0, SessionStream.Input));
    }

    private int ReadInput(byte[] buffer)
    {
        try
        {
            return LibC.Read(_streams.Input, buffer);
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            // Input that cannot be read, such as one that was closed, has ended.
            return 0;
        }
    }
}

/// <summary>The three streams of the program that called.</summary>
internal sealed record StandardStreams(SafeFileHandle Input, SafeFileHandle Output, SafeFileHandle Error)
{
    public static StandardStreams OfThisProcess() => new(Of(0), Of(1), Of(2));

    private static SafeFileHandle Of(int descriptor) => new(descriptor, ownsHandle: false);
}

/// <summary>Writes one stream where a slow reader holds up neither the other stream nor signs of life, and gives credit for what is written.</summary>
internal sealed class OutputThread : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly SessionStream _stream;
    private readonly FrameLink _frames;
    // Bounded by the stream's credit.
    private readonly BlockingCollection<ReadOnlyMemory<byte>> _queue = [];
    private Thread? _thread;

    public OutputThread(SafeFileHandle file, SessionStream stream, FrameLink frames) => (_file, _stream, _frames) = (file, stream, frames);

    /// <summary>The first starts the thread: MPI's daemons most often have nothing to say.</summary>
    public void Write(ReadOnlyMemory<byte> bytes)
    {
        _queue.Add(bytes);
        if (_thread is not null) return;
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    private void Run()
    {
        var open = true;
        foreach (var bytes in _queue.GetConsumingEnumerable())
        {
            try
            {
                if (open) LibC.Write(_file, bytes.Span);
            }
            catch (IOException)
            {
                // Nobody reads this stream any more: the program goes on, as it would behind ssh.
                open = false;
            }

            if (bytes.Length > 0) _frames.Post(Messages.Credit(0, _stream, bytes.Length));
        }
    }

    /// <summary>Waits until all is written.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        _thread?.Join();
        _queue.Dispose();
    }
}

/// <summary>Passes signals of this process on, for as long as it lives.</summary>
internal sealed class SignalForwarding : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;

    public SignalForwarding(int[] signals, Action<int> pass) => _registrations = [.. signals.Select(signal => PosixSignalRegistration.Create(
        (PosixSignal)signal,
        context =>
        {
            context.Cancel = true;
            pass(signal);
        }))];

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
    }
}
