using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Kube.Nodes.Linux;

/// <summary>
/// Sockets of this process that belong to the cluster's network. A multithreaded process cannot enter the user namespace that owns that
/// network, but a socket keeps the network it was made in wherever it goes: a small process inside makes each socket, and this one
/// copies its descriptor. Whoever owns the user namespace may do that, root or not.
/// </summary>
/// <remarks>
/// From that network every pod can be reached at its address. The process inside is started at first need, and ends with this one
/// since its input does. Thread-safe.
/// </remarks>
internal sealed class ClusterSockets(ClusterSandbox cluster, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>For each line that it reads: makes a socket, names its descriptor, and closes it at the next line, when it was copied.</summary>
    private const string Maker = """
        use strict; use Socket; $| = 1;
        while (<STDIN>) {
          socket(my $socket, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
          print fileno($socket), "\n";
          last unless defined <STDIN>;
        }
        """;

    private readonly SemaphoreSlim _oneAtATime = new(1, 1);
    private Process? _maker;
    private bool _disposed;

    /// <exception cref="SocketException">Nobody answers there.</exception>
    /// <exception cref="SandboxException">No socket can be made.</exception>
    public async Task<Socket> ConnectAsync(EndPoint to, CancellationToken cancellation)
    {
        var socket = await CreateAsync(cancellation);
        try
        {
            socket.NoDelay = true;
            await socket.ConnectAsync(to, cancellation);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <exception cref="SocketException">The address is in use, or not the node's.</exception>
    /// <exception cref="SandboxException">No socket can be made.</exception>
    public async Task<Socket> ListenAsync(IPEndPoint at, CancellationToken cancellation)
    {
        const int Waiting = 512;
        var socket = await CreateAsync(cancellation);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(at);
            socket.Listen(Waiting);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _oneAtATime.WaitAsync();
        _disposed = true;
        EndMaker();
        _oneAtATime.Release();
    }

    private async Task<Socket> CreateAsync(CancellationToken cancellation)
    {
        await _oneAtATime.WaitAsync(cancellation);
        try
        {
            if (_disposed) throw new SandboxException("the sandbox has ended");
            // From here on there is no way back: the maker waits for the second line.
            var maker = _maker ??= Tool.Start(["nsenter", $"--target={cluster.HolderPid}", .. cluster.UserNamespace, "--net", "--", "perl", "-e", Maker]);
            using var late = new CancellationTokenSource(Limit, time);
            await maker.StandardInput.WriteAsync("\n".AsMemory(), late.Token);
            await maker.StandardInput.FlushAsync(late.Token);
            var descriptor = int.Parse(await maker.StandardOutput.ReadLineAsync(late.Token) ?? throw new SandboxException((await maker.StandardError.ReadToEndAsync(late.Token)).Trim()), CultureInfo.InvariantCulture);
            var socket = new Socket(new SafeSocketHandle(LibC.CopyDescriptor(maker.Id, descriptor), ownsHandle: true));
            await maker.StandardInput.WriteAsync("\n".AsMemory(), late.Token);
            await maker.StandardInput.FlushAsync(late.Token);
            return socket;
        }
        catch (Exception failed) when (failed is IOException or SandboxException or OperationCanceledException or System.ComponentModel.Win32Exception)
        {
            EndMaker();
            throw new SandboxException($"no socket can be made in the cluster's network: {failed.Message}");
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    private void EndMaker()
    {
        if (_maker is not { } maker) return;
        _maker = null;
        ProcessTree.Kill(maker.Id);
        maker.Dispose();
    }
}
