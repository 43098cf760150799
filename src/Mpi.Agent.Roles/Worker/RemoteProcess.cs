using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;

namespace Mpi.Agent.Roles;

/// <summary>
/// One session on a worker: a program, its three streams, and its end, carried to whoever called. Streams block on threads of
/// their own: a pipe has no other way, and a worker has few sessions.
/// </summary>
internal sealed class RemoteProcess : IProgram
{
    private const int ChunkSize = 32 * 1024;
    private const int StackSize = 256 * 1024;

    private readonly Action<Frame> _post;
    private readonly TimeProvider _time;
    private readonly uint _session;
    private readonly int _pid;
    private readonly SafeFileHandle _input;
    // Bounded by the credit of the stream: see TakeInput.
    private readonly BlockingCollection<ReadOnlyMemory<byte>> _inputQueue = [];
    private readonly CreditWindow _output = new();
    private readonly CreditWindow _error = new();
    private int _inputQueued;

    private RemoteProcess(uint session, SpawnRequest request, Children children, Action<Frame> post, TimeProvider time)
    {
        (_session, _post, _time) = (session, post, time);
        var (inputRead, inputWrite) = LibC.Pipe();
        var (outputRead, outputWrite) = LibC.Pipe();
        var (errorRead, errorWrite) = LibC.Pipe();
        Task<SessionEnd> ended;
        // The program's ends are closed here as soon as it has them, else no stream would ever end.
        using (inputRead)
        using (outputWrite)
        using (errorWrite)
        {
            try
            {
                (_pid, ended) = children.Start(request, inputRead, outputWrite, errorWrite);
            }
            catch (IOException)
            {
                inputWrite.Dispose();
                outputRead.Dispose();
                errorRead.Dispose();
                throw;
            }
        }

        _input = inputWrite;
        new Thread(WriteInput, StackSize) { IsBackground = true }.Start();
        var outputs = Task.WhenAll(
            OnThread(() => Read(outputRead, SessionStream.Output, _output)),
            OnThread(() => Read(errorRead, SessionStream.Error, _error)));
        Ended = EndAsync(ended, outputs);
    }

    public Task Ended { get; }

    /// <exception cref="IOException">It does not start.</exception>
    public static RemoteProcess Start(uint session, StartRequest request, Children children, ImmutableArray<string> ownEnvironment, Action<Frame> post, TimeProvider time) =>
        new(session, CommandSearch.Resolve(request, ownEnvironment), children, post, time);

    public void TakeInput(ReadOnlyMemory<byte> bytes)
    {
        if (Interlocked.Add(ref _inputQueued, bytes.Length) > CreditWindow.Size) throw new ProtocolException("input beyond its credit");
        try
        {
            _inputQueue.Add(bytes);
        }
        catch (InvalidOperationException)
        {
            // The program has just ended: what was still under way to it has no meaning.
        }
    }

    public void EndInput() => _inputQueue.CompleteAdding();

    public void TakeCredit(SessionStream stream, int count) => (stream == SessionStream.Output ? _output : _error).Give(count);

    public void Signal(int signal) => ProcessTree.Signal(_pid, signal);

    public Task KillAsync()
    {
        _output.Close();
        _error.Close();
        EndInput();
        return ProcessTree.EndAsync(_pid, _time);
    }

    private async Task EndAsync(Task<SessionEnd> ended, Task outputs)
    {
        var end = await ended;
        // As a login does: what the program left running may still write.
        await outputs.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        EndInput();
        _post(end.ToFrame(_session));
    }

    private void WriteInput()
    {
        using (_input)
        {
            var open = true;
            foreach (var bytes in _inputQueue.GetConsumingEnumerable())
            {
                try
                {
                    if (open) LibC.Write(_input, bytes.Span);
                }
                catch (IOException)
                {
                    // The program does not read any more: that is its right, and the rest goes nowhere.
                    open = false;
                }

                Interlocked.Add(ref _inputQueued, -bytes.Length);
                if (bytes.Length > 0) _post(Messages.Credit(_session, SessionStream.Input, bytes.Length));
            }
        }
    }

    private void Read(SafeFileHandle pipe, SessionStream stream, CreditWindow window)
    {
        using (pipe)
        {
            var buffer = new byte[ChunkSize];
            while (LibC.Read(pipe, buffer) is > 0 and var count)
            {
                for (var sent = 0; sent < count;)
                {
                    var part = window.Take(count - sent);
                    // Nobody listens any more: read on, so that the program ends by its signal and not by a full pipe.
                    if (part == 0) break;
                    _post(Messages.Data(_session, stream, buffer.AsSpan(sent, part)));
                    sent += part;
                }
            }
        }

        _post(Messages.End(_session, stream));
    }

    private static Task OnThread(Action action)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(Run, StackSize) { IsBackground = true }.Start();
        return done.Task;

        void Run()
        {
            try
            {
                action();
                done.SetResult();
            }
            catch (Exception fault) when (fault is IOException or ProtocolException)
            {
                done.SetException(fault);
            }
        }
    }
}
