using System.Net;
using System.Net.Sockets;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// The role <c>launcher</c>: holds the workers' connections for as long as the launcher's container lives, and lets the remote-shell
/// programs of that container use them, over a Unix socket that only the pod can reach.
/// </summary>
public sealed class LauncherRole(WorkerListener workers, LauncherFiles files, Action<LostWorker> lost, TimeProvider time) : IDisposable
{
    /// <summary>mpirun calls for at most 128 workers at once; a thousand by several are still few.</summary>
    private const int Backlog = 1024;

    /// <summary>How long a call waits for its worker: longer than a worker that was proven needs to dial again.</summary>
    private static readonly TimeSpan WorkerLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FarewellLimit = TimeSpan.FromSeconds(1);

    private readonly WorkerDirectory<WorkerConnection> _directory = new();
    private readonly Socket _calls = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public static Task<int> RunAsync(string directory, AgentEnvironment agent, CancellationToken cancellation) => OpenAsync(directory, agent, async launcher =>
    {
        await launcher.ServeAsync(cancellation);
        return AgentProgram.Success;
    });

    /// <summary>Puts one together for this pod, listening already, and gives it to whoever uses it.</summary>
    internal static async Task<int> OpenAsync(string directory, AgentEnvironment agent, Func<LauncherRole, Task<int>> use)
    {
        NoAuthorities.Forget();
        using var credentials = AgentCredentials.LoadOwn(agent);
        var own = new Hello(AgentRole.Launcher, WorkerOptions.Required(agent, AgentContract.NameVariable), Guid.NewGuid());
        using var listener = new WorkerListener(agent.Network.Listen(AgentPort.Read(agent)), new Handshake(new JobTls(credentials), agent.Time, LivenessPace.Default), own, agent.Time);
        var report = agent.Variable(AgentContract.TerminationLogVariable) ?? AgentContract.TerminationLogPath;
        var losses = new LossReport(message => File.WriteAllText(report, message), agent.Error);
        using var launcher = new LauncherRole(listener, new LauncherFiles(directory), losses.Add, agent.Time);
        return await use(launcher);
    }

    /// <summary>Serves until cancelled, or until its socket's file is gone: then nobody can call it any more.</summary>
    public async Task ServeAsync(CancellationToken cancellation)
    {
        // Left over from before an in-place restart; who starts this process holds the lock.
        File.Delete(files.Socket);
        _calls.Bind(new UnixDomainSocketEndPoint(files.Socket));
        File.SetUnixFileMode(files.Socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _calls.Listen(Backlog);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] all = [ServeWorkersAsync(stop.Token), ServeCallsAsync(stop.Token), WatchSocketAsync(stop.Token)];
        await Task.WhenAny(all);
        stop.End();
        await Task.WhenAll(all).WithoutThrowing();
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Tells workers that the job's command has ended. Those that are not connected, such as just after the gate has opened, are waited for.</summary>
    public async Task DismissAsync(IEnumerable<string> hosts, TimeSpan limit)
    {
        using var late = new CancellationTokenSource(limit, time);
        await Task.WhenAll(hosts.Select(host => DismissAsync(host, late.Token)));
    }

    private async Task DismissAsync(string host, CancellationToken late)
    {
        try
        {
            var worker = await _directory.WaitAsync(host, late);
            await worker.CloseAsync(Farewell.Finished, FarewellLimit);
        }
        catch (OperationCanceledException)
        {
            // The operator ends whoever has not heard of it.
        }
    }

    /// <summary>The workers' connections, until cancelled.</summary>
    internal Task ServeWorkersAsync(CancellationToken cancellation) => workers.RunAsync(ServeWorkerAsync, cancellation);

    private async Task WatchSocketAsync(CancellationToken cancellation)
    {
        while (File.Exists(files.Socket)) await Task.Delay(BetweenLooks, time, cancellation);
    }

    private async Task ServeWorkerAsync(AgentLink link, IPAddress address, CancellationToken cancellation)
    {
        var connection = new WorkerConnection(link, address);
        try
        {
            // The same worker again: it knows better than we that its old connection is of no more use.
            if (_directory.Add(connection.Name, connection) is { } before) await before.CloseAsync(Farewell.Superseded, FarewellLimit);
            if (await connection.RunAsync(cancellation) is { } why) lost(new LostWorker(connection.Name, why));
        }
        finally
        {
            _directory.Remove(connection.Name, connection);
        }
    }

    private async Task ServeCallsAsync(CancellationToken cancellation)
    {
        var served = new HashSet<Task>();
        try
        {
            while (true)
            {
                var socket = await _calls.AcceptAsync(cancellation);
                served.RemoveWhere(static task => task.IsCompleted);
                served.Add(ServeCallAsync(new FrameLink(new NetworkStream(socket, ownsSocket: true)), cancellation));
            }
        }
        finally
        {
            await Task.WhenAll(served).WithoutThrowing();
        }
    }

    /// <summary>One remote-shell program, from its call to its end.</summary>
    internal async Task ServeCallAsync(FrameLink caller, CancellationToken cancellation)
    {
        await using (caller)
        {
            try
            {
                if (await caller.ReadAsync(cancellation) is not { Type: FrameType.Open } open) return;
                if (await FindAsync(Messages.ReadText(open), caller, cancellation) is { } worker) await RelayAsync(caller, worker, cancellation);
            }
            catch (IOException fault)
            {
                // The worker ended just now, or the caller did, and then nobody reads this.
                caller.Post(Messages.Refused(0, fault.Message));
                await caller.CloseAsync(FarewellLimit, time);
            }
        }
    }

    private async Task<WorkerConnection?> FindAsync(string host, FrameLink caller, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(WorkerLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await _directory.WaitAsync(host, both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            caller.Post(Messages.Refused(0, $"it has not dialled within {WorkerLimit.TotalSeconds:0} s: its pod does not run, or a network policy keeps it from port {workers.Port} of the launcher"));
            await caller.CloseAsync(FarewellLimit, time);
            return null;
        }
    }

    private static async Task RelayAsync(FrameLink caller, WorkerConnection worker, CancellationToken cancellation)
    {
        var session = worker.Begin(frame => caller.Post(frame with { Session = 0 }));
        try
        {
            caller.Post(Messages.Opened(worker.LauncherAddress));
            while (await caller.ReadAsync(cancellation) is { } frame)
            {
                if (frame.Type is not (FrameType.Start or FrameType.Data or FrameType.End or FrameType.Credit or FrameType.Signal)) throw new ProtocolException($"{frame.Type} from a caller");
                worker.Post(frame with { Session = session });
            }
        }
        finally
        {
            worker.Leave(session);
        }
    }

    public void Dispose() => _calls.Dispose();
}
