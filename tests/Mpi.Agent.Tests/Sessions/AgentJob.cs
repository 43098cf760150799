using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

/// <summary>One job's launcher side and workers in this process, over loopback, with real connections and real programs.</summary>
internal sealed class AgentJob : IAsyncDisposable
{
    private readonly TestEnvironment _environment = new();
    private readonly ReservedPort _port = new();
    private readonly TextWriter _output;
    // Bounds every wait of a test.
    private readonly CancellationTokenSource _stop = new(TimeSpan.FromMinutes(2));
    private readonly List<Task> _running = [];
    private readonly Children _children = new(ownsProcess: false);

    public AgentJob()
    {
        // Workers and gate write from threads of their own.
        _output = TextWriter.Synchronized(_environment.Output);
        _environment.Agent = _environment.Agent with { Output = _output };
        Launcher = Credentials(Certificates.LauncherCertificate, Certificates.LauncherKey, Certificates.WorkerCertificate);
        Worker = Credentials(Certificates.WorkerCertificate, Certificates.WorkerKey, Certificates.LauncherCertificate);
    }

    public JobCertificates Certificates { get; } = JobCertificates.Create();
    public AgentCredentials Launcher { get; }
    public AgentCredentials Worker { get; }
    public AgentEnvironment Agent => _environment.Agent;
    public string Said
    {
        get
        {
            lock (_output) return _environment.Output.ToString();
        }
    }

    public Task WaitUntilSaidAsync(string words) => WaitForAsync(() => Said.Contains(words, StringComparison.Ordinal));

    public async Task WaitForAsync(Func<bool> condition)
    {
        while (!condition()) await Task.Delay(20, _stop.Token);
    }

    /// <summary>Workers that the launcher's process has lost.</summary>
    public ConcurrentQueue<LostWorker> Lost { get; } = new();

    public LauncherFiles Files => new(_environment.Folder);
    public int Port => _port.Number;

    public AgentCredentials Credentials(string certificate, string key, string peer)
    {
        var directory = Directory.CreateDirectory(_environment.File(Guid.NewGuid().ToString("N"))).FullName;
        File.WriteAllText(Path.Combine(directory, AgentContract.CertificateFile), certificate);
        File.WriteAllText(Path.Combine(directory, AgentContract.KeyFile), key);
        File.WriteAllText(Path.Combine(directory, AgentContract.PeerFile), peer);
        return AgentCredentials.Load(directory);
    }

    public WorkerListener Listen(AgentRole role = AgentRole.Launcher) =>
        new(Agent.Network.Listen(Port), new Handshake(new JobTls(Launcher), TimeProvider.System, LivenessPace.Default), new Hello(role, "pi-launcher", Guid.NewGuid()), TimeProvider.System);

    /// <summary>Starts the launcher's process, in this one; stopped by what is returned.</summary>
    public CancellationTokenSource StartLauncher()
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _running.Add(RunAsync());
        return stop;

        async Task RunAsync()
        {
            using var listener = Listen();
            using var launcher = new LauncherRole(listener, Files, Lost.Enqueue, TimeProvider.System);
            await launcher.ServeAsync(stop.Token);
        }
    }

    public CancellationTokenSource StartWorker(string name, ImmutableArray<string>? environment = null)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _ = BeginWorker(name, environment, stop.Token);
        return stop;
    }

    /// <summary>Starts a worker; its end is returned.</summary>
    public Task BeginWorker(string name, ImmutableArray<string>? environment = null, CancellationToken? stop = null)
    {
        var options = new WorkerOptions
        {
            Name = name, Service = IPAddress.Loopback, Launcher = "pi-launcher", Port = Port, EndsWithCommand = true,
            Environment = environment ?? [$"PATH={Environment.GetEnvironmentVariable("PATH")}", $"WORKER={name}"],
        };
        var worker = new WorkerRole(options, new Handshake(new JobTls(Worker), TimeProvider.System, LivenessPace.Default), new NoNames(), new Programs(_children, options.Environment, TimeProvider.System), Agent);
        var running = worker.ServeAsync(stop ?? _stop.Token);
        _running.Add(running);
        return running;
    }

    /// <summary>Calls as mpirun does, and returns the exit code and what was printed.</summary>
    public async Task<Called> CallAsync(string host, params string[] words)
    {
        await using var call = await BeginAsync(host, words);
        call.CloseInput();
        return await call.EndAsync();
    }

    /// <summary>Begins a call; its input is open.</summary>
    public async Task<Call> BeginAsync(string host, params string[] words)
    {
        var frames = await ConnectAsync();
        return new Call(frames, new RemoteShellCall(host, [.. words]));
    }

    public async Task<FrameLink> ConnectAsync()
    {
        while (true)
        {
            _stop.Token.ThrowIfCancellationRequested();
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Files.Socket), _stop.Token);
                return new FrameLink(new NetworkStream(socket, ownsSocket: true));
            }
            catch (SocketException)
            {
                socket.Dispose();
                await Task.Delay(10, _stop.Token);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _children.Dispose();
        Launcher.Dispose();
        Worker.Dispose();
        _stop.Dispose();
        _port.Dispose();
        _environment.Dispose();
    }

    private sealed class NoNames : INameResolver
    {
        public Task<ImmutableArray<IPAddress>> ResolveAsync(string host, CancellationToken cancellation) => Task.FromResult<ImmutableArray<IPAddress>>([IPAddress.Loopback]);
    }
}

internal sealed record Called(int ExitCode, string Output, string Error);

/// <summary>A remote-shell program's call, with pipes in place of its three streams.</summary>
internal sealed class Call : IAsyncDisposable
{
    private readonly FrameLink _frames;
    private readonly FileStream _input;
    private readonly Task<string> _output;
    private readonly Task<string> _error;
    private readonly Task<int> _ended;

    public Call(FrameLink frames, RemoteShellCall call)
    {
        _frames = frames;
        var (inputRead, inputWrite) = LibC.Pipe();
        var (outputRead, outputWrite) = LibC.Pipe();
        var (errorRead, errorWrite) = LibC.Pipe();
        _input = new FileStream(inputWrite, FileAccess.Write, bufferSize: 0);
        _output = Task.Factory.StartNew(() => new StreamReader(new FileStream(outputRead, FileAccess.Read)).ReadToEnd(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _error = Task.Factory.StartNew(() => new StreamReader(new FileStream(errorRead, FileAccess.Read)).ReadToEnd(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _ended = RunAsync();

        async Task<int> RunAsync()
        {
            using (inputRead)
            using (outputWrite)
            using (errorWrite)
            {
                return await RemoteShell.CallAsync(frames, call, "pi-launcher", new StandardStreams(inputRead, outputWrite, errorWrite), TimeProvider.System, CancellationToken.None);
            }
        }
    }

    public Stream Input => _input;

    public FrameLink Frames => _frames;

    public void CloseInput() => _input.Dispose();

    /// <exception cref="IOException">What the remote-shell program would print.</exception>
    public async Task<Called> EndAsync() => new(await _ended.WaitAsync(TimeSpan.FromMinutes(2)), await _output, await _error);

    public async ValueTask DisposeAsync()
    {
        await _frames.DisposeAsync();
        await ((Task)_ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _input.DisposeAsync();
    }
}
