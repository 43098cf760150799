using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Kube.Nodes.Linux;

/// <summary>
/// The master side of a pseudo-terminal. It is made in the container's own <c>/dev/pts</c>, so that programs in there find
/// their terminal by its name, which <c>tty</c>, <c>tmux</c> and <c>gpg</c> do. Disposal hangs it up.
/// </summary>
internal sealed class PseudoTerminal : Stream
{
    private const byte EndOfTransmission = 4;

    /// <summary>Waits for the terminal by epoll as a socket does, so that an idle session holds no thread.</summary>
    private readonly Socket _master;
    private readonly SafeSocketHandle _handle;
    private SafeFileHandle? _held;

    private PseudoTerminal(SafeSocketHandle handle, int number)
    {
        _handle = handle;
        _master = new Socket(handle);
        Number = number;
    }

    /// <summary>The slave is <c>/dev/pts/NUMBER</c> in the container.</summary>
    public int Number { get; }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <param name="initPid">PID 1 of the container as this process sees it; its file system is complete.</param>
    /// <exception cref="SandboxException">The container has just ended, or the kernel has no terminal left.</exception>
    public static PseudoTerminal Open(int initPid)
    {
        var multiplexer = string.Create(CultureInfo.InvariantCulture, $"/proc/{initPid}/root/dev/pts/ptmx");
        var descriptor = LibC.OpenTerminal(multiplexer);
        if (descriptor < 0) throw new SandboxException($"no terminal could be opened in the container: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        var handle = new SafeSocketHandle(descriptor, ownsHandle: true);
        if (LibC.UnlockTerminal(handle) is { } number) return new PseudoTerminal(handle, number);
        handle.Dispose();
        throw new SandboxException("the kernel gave the container's terminal no number");
    }

    /// <summary>
    /// Keeps the output from ending until <see cref="Release"/>: it begins before anybody has the slave open and may outlast one who does,
    /// and both look like the end.
    /// </summary>
    /// <param name="initPid">As in <see cref="Open"/>.</param>
    public void Hold(int initPid)
    {
        var slave = LibC.OpenTerminal(string.Create(CultureInfo.InvariantCulture, $"/proc/{initPid}/root/dev/pts/{Number}"));
        if (slave < 0) throw new SandboxException($"the container's terminal cannot be opened: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        _held = new SafeFileHandle(slave, ownsHandle: true);
    }

    public void Release() => _held?.Dispose();

    /// <summary>Tells the terminal its size; the programs in its foreground get SIGWINCH.</summary>
    public void Resize(TerminalSize size)
    {
        // A terminal that has been hung up meanwhile has no size any more.
        if (!_handle.IsClosed) LibC.SetTerminalSize(_handle, size.Columns, size.Rows);
    }

    /// <summary>What the end of the input is on a terminal: the character for it.</summary>
    public ValueTask EndInputAsync(CancellationToken cancellation) => WriteAsync(new[] { EndOfTransmission }, cancellation);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await _master.ReceiveAsync(buffer, cancellationToken);
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
            // EIO: nobody has the slave open any more, which is how a terminal's output ends.
            return 0;
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            while (!buffer.IsEmpty) buffer = buffer[await _master.SendAsync(buffer, cancellationToken)..];
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
            throw new IOException("the terminal is closed", over);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("A terminal is read asynchronously");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("A terminal is written asynchronously");

    public override void Flush() { }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _held?.Dispose();
            _master.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>The size of a terminal in characters.</summary>
public readonly record struct TerminalSize(ushort Columns, ushort Rows);
