using System.Collections;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// The role <c>worker</c>: a worker pod's main process. It dials the launcher until that answers, runs what that asks for, and dials
/// again when the connection ends; it listens on no port. This is the loop around <see cref="DialMachine"/> and
/// <see cref="LauncherFence"/>: it has the clock, the network and the programs.
/// </summary>
public sealed class WorkerRole
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(3);

    private readonly WorkerOptions _options;
    private readonly INameResolver _names;
    private readonly Handshake _handshake;
    private readonly IPrograms _programs;
    private readonly AgentEnvironment _agent;
    private readonly DialMachine _dial;
    private readonly LauncherFence _fence = new();
    private readonly Hello _own;
    private readonly long _start;
    private string _said = "";

    internal WorkerRole(WorkerOptions options, Handshake handshake, INameResolver names, IPrograms programs, AgentEnvironment agent)
    {
        (_options, _handshake, _names, _programs, _agent) = (options, handshake, names, programs, agent);
        _dial = new DialMachine(options.Service is not null, options.Pace, agent.Random);
        _own = new Hello(AgentRole.Worker, options.Name, Guid.NewGuid());
        _start = agent.Time.GetTimestamp();
    }

    private TimeSpan Now => _agent.Time.GetElapsedTime(_start);

    /// <summary>Runs until cancelled.</summary>
    /// <param name="endsWithCommand"><see cref="WorkerOptions.EndsWithCommand"/></param>
    public static async Task<int> RunAsync(AgentEnvironment agent, bool endsWithCommand, CancellationToken cancellation)
    {
        var options = WorkerOptions.Read(agent) with { EndsWithCommand = endsWithCommand };
        // The environment of what is started, before anything of ours is put into it.
        NoAuthorities.Forget();
        using var credentials = AgentCredentials.LoadOwn(agent);
        using var children = new Children(ownsProcess: true);
        var names = new NameResolver("/etc/hosts", "/etc/resolv.conf", agent.Time, agent.Random);
        var programs = new Programs(children, options.Environment, agent.Time);
        await new WorkerRole(options, new Handshake(new JobTls(credentials), agent.Time, LivenessPace.Default), names, programs, agent).ServeAsync(cancellation);
        return AgentProgram.Success;
    }

    internal async Task ServeAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var (at, route) = _dial.Next;
            if (at > Now) await Task.Delay((at - Now).InFull(), _agent.Time, cancellation);
            if (await DialAsync(route, cancellation) is { } link && await ServeAsync(link, cancellation) == Farewell.Finished && _options.EndsWithCommand) return;
        }
    }

    /// <summary>One try; null when it came to nothing, which the machine then knows.</summary>
    private async Task<AgentLink?> DialAsync(DialRoute route, CancellationToken cancellation)
    {
        var answered = false;
        try
        {
            var connection = await ConnectAsync(route, cancellation);
            answered = true;
            var link = await _handshake.ConnectAsync(connection, _own, cancellation);
            if (_fence.Admit(link.Peer.Instance)) return link;
            await link.CloseAsync(Farewell.Superseded, ConnectLimit);
            throw new IOException($"{link.Peer.Name} was given up for a newer launcher and is not served again");
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            answered |= fault is SocketException { SocketErrorCode: SocketError.ConnectionRefused };
            _dial.Failed(Now, answered);
            await SayAsync($"no launcher yet: {fault.Message}");
            return null;
        }
    }

    private async Task<Farewell?> ServeAsync(AgentLink link, CancellationToken cancellation)
    {
        await SayAsync($"connected to {link.Peer.Name} ({link.Peer.Role.ToString().ToLowerInvariant()})");
        var sessions = new WorkerSessions(link, _programs);
        string why;
        await using (link)
        {
            try
            {
                why = await link.RunAsync(sessions.Take, cancellation);
            }
            finally
            {
                // First, so that a launcher hears of a lost worker, and not of programs that somebody seems to have killed.
                link.Abort();
                await sessions.EndAllAsync();
            }
        }

        _dial.Ended(Now, sessions.Farewell);
        await SayAsync(sessions.Farewell switch
        {
            Farewell.GateOpened => "all workers are proven; waiting for the launcher's first call",
            Farewell.Finished => "the job's command has ended",
            _ => $"the connection to {link.Peer.Name} ended: {why}",
        });
        return sessions.Farewell;
    }

    private async Task<Stream> ConnectAsync(DialRoute route, CancellationToken cancellation)
    {
        ImmutableArray<IPAddress> addresses = route == DialRoute.Service ? [_options.Service!] : await _names.ResolveAsync(_options.Launcher, cancellation);
        if (addresses.IsEmpty) throw new IOException($"{_options.Launcher}: the name does not resolve");
        SocketException? failure = null;
        foreach (var address in addresses)
        {
            using var limit = new CancellationTokenSource(ConnectLimit, _agent.Time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
            try
            {
                return await _agent.Network.ConnectAsync(new IPEndPoint(address, _options.Port), both.Token);
            }
            catch (SocketException fault)
            {
                failure = fault;
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                failure ??= new SocketException((int)SocketError.TimedOut);
            }
        }

        throw failure!;
    }

    /// <summary>A line for the pod's log, once while it stays the same.</summary>
    private async Task SayAsync(string line)
    {
        if (line == _said) return;
        _said = line;
        await _agent.Output.WriteLineAsync($"kubempi-agent: {line}");
    }
}

/// <summary>What a worker is told by its pod's environment.</summary>
public sealed record WorkerOptions
{
    public required string Name { get; init; }

    /// <summary>The address of the job's Service; null where there is none.</summary>
    public IPAddress? Service { get; init; }

    /// <summary>The launcher pod's name in DNS.</summary>
    public required string Launcher { get; init; }
    public required int Port { get; init; }

    /// <summary>What started programs get: this process's own environment, as <c>NAME=value</c>.</summary>
    public ImmutableArray<string> Environment { get; init; } = [];
    public DialPace Pace { get; init; } = new();

    /// <summary>Whether the launcher's word that the job's command has ended ends this worker too; else it is the end of one more connection.</summary>
    public bool EndsWithCommand { get; init; }

    /// <exception cref="UsageException">Names the variable that is missing or wrong.</exception>
    public static WorkerOptions Read(AgentEnvironment agent) => new()
    {
        Name = Required(agent, AgentContract.NameVariable),
        Service = agent.Variable(AgentContract.ServiceVariable) is { Length: > 0 } address
            ? IPAddress.TryParse(address, out var parsed) ? parsed : throw new UsageException($"{AgentContract.ServiceVariable} is no address: \"{address}\".")
            : null,
        Launcher = Required(agent, AgentContract.LauncherVariable),
        Port = AgentPort.Read(agent),
        Environment = [.. System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(static v => $"{v.Key}={v.Value}")],
    };

    internal static string Required(AgentEnvironment agent, string variable) =>
        agent.Variable(variable) is { Length: > 0 } value ? value : throw new UsageException($"{variable} is not set.");
}
