using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

/// <summary>Who is no member of the job gets nothing and disturbs nobody.</summary>
public sealed class StrangerTests
{
    private static readonly TimeProvider Time = TimeProvider.System;

    /// <summary>Who knows all that is public of a job, down to its launcher's certificate, and has another key than its workers'.</summary>
    [Theory]
    [InlineData("another job's worker")]
    [InlineData("another job's launcher")]
    [InlineData("this job's launcher")]
    [InlineData("a certificate that looks like the worker's")]
    public async Task Whoever_has_another_key_than_the_jobs_workers_is_refused(string stranger)
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        var (own, other) = (job.Certificates, JobCertificates.Create());
        var (certificate, key) = stranger switch
        {
            "another job's worker" => (other.WorkerCertificate, other.WorkerKey),
            "another job's launcher" => (other.LauncherCertificate, other.LauncherKey),
            "this job's launcher" => (own.LauncherCertificate, own.LauncherKey),
            _ => LooksLike(job.Worker.Own),
        };
        using var credentials = job.Credentials(certificate, key, own.LauncherCertificate);

        await Assert.ThrowsAnyAsync<IOException>(() => DialAsync(job, credentials));
        await IsWellAsync(job);
    }

    /// <summary>A worker's certificate may be known; without its key nobody speaks TLS with it, here least of all.</summary>
    [Fact]
    public async Task A_certificate_with_a_key_that_is_not_its_own_is_not_even_read()
    {
        await using var job = new AgentJob();
        var other = JobCertificates.Create();

        var fault = Assert.Throws<IOException>(() => job.Credentials(job.Certificates.WorkerCertificate, other.WorkerKey, job.Certificates.LauncherCertificate));

        Assert.StartsWith("the credentials in ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_answers_no_stranger_that_pretends_to_be_its_launcher()
    {
        await using var job = new AgentJob();
        await using var other = new AgentJob();
        using var listener = other.Listen();
        var greeted = false;
        using var stop = new CancellationTokenSource();
        var serving = listener.RunAsync((_, _, _) => Task.FromResult(greeted = true), stop.Token);

        var fault = await Assert.ThrowsAsync<IOException>(() => DialAsync(other, job.Worker));

        Assert.Contains("no member of this job", fault.Message, StringComparison.Ordinal);
        await stop.CancelAsync();
        await EndAsync(serving);
        Assert.False(greeted);
    }

    /// <summary>A worker that was taken over cannot give orders to its neighbours: its key is not the launcher's.</summary>
    [Fact]
    public async Task A_workers_key_is_not_a_launchers()
    {
        await using var job = new AgentJob();
        using var asLauncher = job.Credentials(job.Certificates.WorkerCertificate, job.Certificates.WorkerKey, job.Certificates.WorkerCertificate);
        using var listener = new WorkerListener(job.Agent.Network.Listen(job.Port), new Handshake(new JobTls(asLauncher), Time, LivenessPace.Default), new Hello(AgentRole.Launcher, "false", Guid.NewGuid()), Time);
        using var stop = new CancellationTokenSource();
        var serving = listener.RunAsync((_, _, _) => Task.CompletedTask, stop.Token);

        await Assert.ThrowsAsync<IOException>(() => DialAsync(job, job.Worker));
        await stop.CancelAsync();
        await EndAsync(serving);
    }

    [Fact]
    public async Task Without_a_certificate_there_is_no_greeting()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        using var tls = new SslStream(new NetworkStream(await ConnectAsync(job.Port), ownsSocket: true));

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = "", EnabledSslProtocols = SslProtocols.Tls13, RemoteCertificateValidationCallback = (_, certificate, _, _) => job.Worker.IsPeer(certificate) }, TestContext.Current.CancellationToken);
            await tls.WriteAsync(FrameFormat.Write(Hello().ToFrame()), TestContext.Current.CancellationToken);
            Assert.Equal(0, await tls.ReadAsync(new byte[1], TestContext.Current.CancellationToken));
            throw new IOException("closed");
        });
        await IsWellAsync(job);
    }

    [Fact]
    public async Task What_a_member_said_is_worth_nothing_when_it_is_said_again()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        await using var recorder = new Recorder(job.Port);
        await using (await DialAsync(job, job.Worker, recorder.Port))
        {
        }

        using var socket = await ConnectAsync(job.Port);
        await socket.SendAsync(recorder.Said, TestContext.Current.CancellationToken);
        var answer = await ReadToEndAsync(socket);

        // The launcher's half of a handshake, encrypted for somebody who is not there, and then nothing.
        Assert.True(answer < 4096, $"{answer} bytes");
        await IsWellAsync(job);
    }

    [Fact]
    public async Task A_flood_of_half_open_connections_keeps_no_worker_out()
    {
        await using var job = new AgentJob();
        using var listener = job.Listen();
        using var stop = new CancellationTokenSource();
        var served = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var serving = listener.RunAsync(async (link, _, token) =>
        {
            served.SetResult();
            await link.RunAsync(static _ => { }, token);
        }, stop.Token);

        var flood = new List<Socket>();
        for (var i = 0; i < HalfOpen<Stream>.Default + 200; i++) flood.Add(await ConnectAsync(job.Port));
        await using (await DialAsync(job, job.Worker))
        {
            await served.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
            Assert.InRange(listener.Strangers, 0, HalfOpen<Stream>.Default);
        }

        flood.ForEach(static socket => socket.Dispose());
        await stop.CancelAsync();
        await EndAsync(serving);
    }

    [Fact]
    public async Task A_flood_disturbs_neither_a_program_that_runs_nor_a_new_call()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        job.StartWorker("pi-worker-0");
        await using var call = await job.BeginAsync("pi-worker-0", "cat");
        await call.Input.WriteAsync("before "u8.ToArray(), TestContext.Current.CancellationToken);

        var flood = new List<Socket>();
        for (var i = 0; i < HalfOpen<Stream>.Default + 200; i++)
        {
            flood.Add(await ConnectAsync(job.Port));
            // Every other one says something at once: nothing of TLS, or a record of a length that no record has.
            if (i % 2 == 0) await flood[^1].SendAsync(i % 4 == 0 ? FrameFormat.Write(Hello().ToFrame()) : [22, 3, 3, 0xff, 0xff, 0], TestContext.Current.CancellationToken);
        }

        await IsWellAsync(job);
        await call.Input.WriteAsync("after"u8.ToArray(), TestContext.Current.CancellationToken);
        call.CloseInput();
        Assert.Equal(new Called(0, "before after", ""), await call.EndAsync());
        Assert.Empty(job.Lost);
        flood.ForEach(static socket => socket.Dispose());
    }

    /// <summary>Frames without TLS, of any size: not a byte of ours is an answer to what they say.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(0x7fffffff)]
    public async Task Frames_without_a_key_get_no_answer(int length)
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        using var socket = await ConnectAsync(job.Port);
        await socket.SendAsync(new byte[] { (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length, (byte)FrameType.Hello, 0, 0, 0, 0 }, TestContext.Current.CancellationToken);

        // TLS's own word for nonsense has seven bytes.
        Assert.InRange(await ReadToEndAsync(socket), 0, 7);
        await IsWellAsync(job);
    }

    [Fact]
    public async Task A_member_that_sends_a_frame_too_large_is_cut_off_alone()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        await IsWellAsync(job);
        using var tls = new SslStream(new NetworkStream(await ConnectAsync(job.Port), ownsSocket: true));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "", EnabledSslProtocols = SslProtocols.Tls13, ClientCertificates = [job.Worker.Own], RemoteCertificateValidationCallback = (_, certificate, _, _) => job.Worker.IsPeer(certificate),
        }, TestContext.Current.CancellationToken);
        await tls.WriteAsync(FrameFormat.Write(Hello().ToFrame()), TestContext.Current.CancellationToken);
        await tls.WriteAsync(new byte[] { 0x7f, 0xff, 0xff, 0xff, 5, 0, 0, 0, 1 }, TestContext.Current.CancellationToken);

        // The greeting, unless the cut overtook it.
        Assert.InRange(await DrainAsync(tls), 0, 1024);
        await IsWellAsync(job);
    }

    [Fact]
    public void A_worker_serves_no_launcher_that_it_left_for_a_newer_one()
    {
        var fence = new LauncherFence();
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());

        Assert.True(fence.Admit(first));
        Assert.True(fence.Admit(first));
        Assert.True(fence.Admit(second));
        Assert.False(fence.Admit(first));
        Assert.True(fence.Admit(second));
    }

    /// <summary>The same names, dates and uses, and a key of its own.</summary>
    private static (string Certificate, string Key) LooksLike(X509Certificate2 original)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(original.SubjectName, key, HashAlgorithmName.SHA256);
        foreach (var extension in original.Extensions) request.CertificateExtensions.Add(extension);
        using var copy = request.Create(original.IssuerName, X509SignatureGenerator.CreateForECDsa(key), new DateTimeOffset(original.NotBefore), new DateTimeOffset(original.NotAfter), original.SerialNumberBytes.Span);
        return (copy.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>The job's own worker is served as if nobody else were there.</summary>
    private static async Task IsWellAsync(AgentJob job)
    {
        using var worker = job.StartWorker("pi-worker-9");
        Assert.Equal("well\n", (await job.CallAsync("pi-worker-9", "echo well")).Output);
        await worker.CancelAsync();
    }

    private static async Task EndAsync(Task serving) => await serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private static Hello Hello() => new(AgentRole.Worker, "pi-worker-0", Guid.NewGuid());

    private static async Task<AgentLink> DialAsync(AgentJob job, AgentCredentials credentials, int? port = null) =>
        await new Handshake(new JobTls(credentials), Time, LivenessPace.Default).ConnectAsync(new NetworkStream(await ConnectAsync(port ?? job.Port), ownsSocket: true), Hello(), TestContext.Current.CancellationToken);

    private static async Task<Socket> ConnectAsync(int port)
    {
        while (true)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), TestContext.Current.CancellationToken);
                return socket;
            }
            catch (SocketException)
            {
                // The launcher that was started a moment ago does not listen yet.
                socket.Dispose();
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }
        }
    }

    private static async Task<int> ReadToEndAsync(Socket socket)
    {
        await using var stream = new NetworkStream(socket);
        return await DrainAsync(stream);
    }

    private static async Task<int> DrainAsync(Stream stream)
    {
        var (all, buffer) = (0, new byte[4096]);
        try
        {
            while (await stream.ReadAsync(buffer, TestContext.Current.CancellationToken) is > 0 and var count) all += count;
        }
        catch (IOException)
        {
            // Reset rather than closed: as good an end.
        }

        return all;
    }

    /// <summary>Stands between a worker and its launcher, and writes down what the worker says.</summary>
    private sealed class Recorder : IAsyncDisposable
    {
        private readonly Socket _listening = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly MemoryStream _said = new();
        private readonly Task _relaying;

        public Recorder(int to)
        {
            _listening.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listening.Listen();
            _relaying = RelayAsync(to);
        }

        public int Port => ((IPEndPoint)_listening.LocalEndPoint!).Port;

        public byte[] Said => _said.ToArray();

        private async Task RelayAsync(int to)
        {
            await using var worker = new NetworkStream(await _listening.AcceptAsync(), ownsSocket: true);
            await using var launcher = new NetworkStream(await ConnectAsync(to), ownsSocket: true);
            var back = launcher.CopyToAsync(worker);
            var buffer = new byte[4096];
            while (await worker.ReadAsync(buffer) is > 0 and var count)
            {
                _said.Write(buffer, 0, count);
                await launcher.WriteAsync(buffer.AsMemory(0, count));
            }

            launcher.Socket.Shutdown(SocketShutdown.Send);
            await back;
        }

        public async ValueTask DisposeAsync()
        {
            _listening.Dispose();
            await _relaying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
