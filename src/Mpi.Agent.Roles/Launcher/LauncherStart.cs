using System.Net.Sockets;
using System.Collections;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// Finds the process that holds the workers' connections; the first call of a container starts it. Of calls at the same time
/// one starts it, and the others wait for its socket.
/// </summary>
internal sealed class LauncherStart(LauncherFiles files, TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(10);
    private const int LogShown = 1000;

    /// <exception cref="IOException">It does not start; the message has its last words.</exception>
    public async Task<FrameLink> ConnectAsync(CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        var started = 0;
        FileStream? ours = null;
        try
        {
            while (true)
            {
                if (TryConnect() is { } connected) return connected;
                // Asked for again under the lock: another call may have started it in between.
                if (ours is null) ours = TryLock();
                else if (started == 0) started = StartProcess();
                else if (LibC.Reap(started) is { } end) throw new IOException($"the launcher's agent ended at its start with code {end.ExitCode}: {LastWords()}");

                if (time.GetElapsedTime(start) > Limit) throw new IOException($"the launcher's agent did not listen on {files.Socket} within {Limit.TotalSeconds:0} s: {LastWords()}");
                if (ours is null || started != 0) await Task.Delay(BetweenLooks, time, cancellation);
            }
        }
        finally
        {
            if (ours is not null) await ours.DisposeAsync();
        }
    }

    private FrameLink? TryConnect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(files.Socket));
            return new FrameLink(new NetworkStream(socket, ownsSocket: true));
        }
        catch (SocketException)
        {
            // No file, or one that was left over: nobody listens yet.
            socket.Dispose();
            return null;
        }
    }

    private FileStream? TryLock()
    {
        try
        {
            return new FileStream(files.Lock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(files.Lock))
        {
            return null;
        }
    }

    /// <summary>In a session of its own and with none of the caller's pipes: mpirun waits for the end of those.</summary>
    private int StartProcess()
    {
        LibC.CloseOnExecAll();
        using var nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite);
        using var log = File.OpenHandle(files.Log, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        var program = Path.Combine(files.Directory, AgentContract.FileName);
        var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(static v => $"{v.Key}={v.Value}");
        try
        {
            return Spawn.Start(new SpawnRequest(program, [program, AgentContract.LauncherRole, files.Directory], [.. environment], Directory: null), nothing, log, log);
        }
        catch (IOException fault)
        {
            throw new IOException($"{program} does not start: {fault.Message}", fault);
        }
    }

    private string LastWords()
    {
        try
        {
            var text = File.ReadAllText(files.Log).Trim();
            return text.Length == 0 ? "it said nothing" : text[^Math.Min(text.Length, LogShown)..];
        }
        catch (IOException fault)
        {
            return fault.Message;
        }
    }
}
