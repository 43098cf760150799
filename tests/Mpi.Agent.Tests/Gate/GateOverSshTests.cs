using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

/// <summary>The gate against real sshd processes and the real ssh client.</summary>
public sealed class GateOverSshTests : IDisposable
{
    /// <summary>Only ends a test that hangs.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TestEnvironment test = new();
    private readonly List<Sshd> servers = [];

    [Fact]
    public async Task It_opens_once_a_late_worker_accepts_the_login()
    {
        var (prompt, late) = (Server("w-0"), Server("w-1"));
        prompt.Start();
        var output = new WatchedWriter();
        test.Agent = test.Agent with { Output = output };

        var gate = RunAsync(["w-0.job.ns.svc slots=2", "w-1.job.ns.svc slots=2"]);
        await output.WaitForAsync("1 of 2 workers reachable; waiting for w-1: ssh: connect to host 127.0.0.1 port", Patience);
        late.Start();

        Assert.Equal(AgentProgram.Success, await gate.WaitAsync(Patience));
        var report = Report();
        Assert.Equal((GateOpening.Proven, 2, 2), (report.Opened, report.Total, report.Proven));
        Assert.Equal(["w-0", "w-1"], report.Workers.Select(static w => w.Host).Order(StringComparer.Ordinal));
        Assert.Contains("2 of 2 workers reachable after", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_is_not_accepted_is_named_and_does_not_hold_the_launcher_for_long()
    {
        var server = Server("w-0");
        server.ForgetKey();
        server.Start();

        Assert.Equal(AgentProgram.Success, await RunAsync(["w-0.job.ns.svc"], new GatePace { HopelessTimeout = TimeSpan.FromMilliseconds(300) }).WaitAsync(Patience));

        var missing = Assert.Single(Report().Missing);
        Assert.Equal(UnreachableCause.PermissionDenied, missing.Cause);
        Assert.Contains("Permission denied (publickey", missing.Reason, StringComparison.Ordinal);
        Assert.Equal(GateOpening.Timeout, Report().Opened);
    }

    [Fact]
    public async Task A_worker_that_runs_no_commands_is_proven_by_its_greeting()
    {
        Server("127.0.0.1", "MaxSessions 0").Start();

        Assert.Equal(AgentProgram.Success, await RunAsync(["127.0.0.1"]).WaitAsync(Patience));

        Assert.Equal((GateOpening.Proven, 1), (Report().Opened, Report().Proven));
    }

    [Fact]
    public async Task Skipped_hosts_are_not_asked()
    {
        Assert.Equal(AgentProgram.Success, await RunAsync(["job-launcher.job.ns.svc"], skip: ["job-launcher"]).WaitAsync(Patience));

        Assert.Equal((GateOpening.Proven, 0), (Report().Opened, Report().Total));
    }

    [Fact]
    public async Task Termination_ends_it_and_the_ssh_it_started()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        silent.Listen();
        await File.WriteAllTextAsync(test.File("ssh_config"), $"Host *\n  HostName 127.0.0.1\n  Port {((IPEndPoint)silent.LocalEndPoint!).Port}\n");
        using var terminate = new CancellationTokenSource();

        var gate = RunAsync(["w-0"], cancellation: terminate.Token);
        using var connection = await silent.AcceptAsync(CancellationToken.None).AsTask().WaitAsync(Patience);
        await terminate.CancelAsync();

        Assert.Equal(AgentProgram.Terminated, await gate.WaitAsync(Patience));
        // What ssh had sent is read, then the end of the stream: nobody holds the other end.
        var buffer = new byte[1024];
        while (await connection.ReceiveAsync(buffer).WaitAsync(Patience) > 0)
        {
        }

        Assert.False(File.Exists(test.File("termination-log")));
    }

    [Fact]
    public async Task Ssh_arguments_that_mpirun_gets_from_the_environment_are_used_here_too()
    {
        var server = Server("w-0");
        server.Start();
        await WriteClientConfigAsync();
        test.Variables["OMPI_MCA_plm_rsh_args"] = $"-o ConnectionAttempts=10 -F {test.File("ssh_config")}";
        await File.WriteAllTextAsync(test.File("hostfile"), "w-0\n");

        var exit = await AgentProgram.RunAsync(["gate", "--transport", "ssh", "--hostfile", test.File("hostfile")], test.Agent, CancellationToken.None).WaitAsync(Patience);

        Assert.Equal(AgentProgram.Success, exit);
        Assert.Equal(1, Report().Proven);
    }

    [Fact]
    public async Task The_operators_notice_ends_the_wait_for_names_that_never_resolve()
    {
        await File.WriteAllTextAsync(test.File("hostfile"), "w-0.nowhere.invalid\n");
        await File.WriteAllTextAsync(test.File("notice"), $"#!/bin/sh\necho w-0.nowhere.invalid\n{AgentContract.AllWorkersRunNotice}\n");
        var options = new GateOptions { HostfilePath = test.File("hostfile"), NoticePath = test.File("notice"), Pace = new GatePace { Timeout = TimeSpan.FromMilliseconds(1) } };

        Assert.Equal(AgentProgram.Success, await GateRole.RunAsync(options, test.Agent, CancellationToken.None).WaitAsync(Patience));

        Assert.Equal((GateOpening.Timeout, 0), (Report().Opened, Report().Proven));
    }

    [Fact]
    public async Task A_greeting_is_told_from_another_service()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        var server = Server("w-0");
        server.Start();
        var reader = new BannerReader(new NameResolver(test.File("none"), test.File("none"), TimeProvider.System, new Random(1)), TimeProvider.System);

        ProbeResult greeted;
        do greeted = await reader.TryAsync("127.0.0.1", server.Port, TimeSpan.FromSeconds(5), CancellationToken.None);
        while (greeted is ProbeResult.Failed { Cause: UnreachableCause.Refused });
        var asking = reader.TryAsync("127.0.0.1", ((IPEndPoint)other.LocalEndPoint!).Port, Patience, CancellationToken.None);
        using (var connection = await other.AcceptAsync(CancellationToken.None)) await connection.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());

        Assert.IsType<ProbeResult.Reached>(greeted);
        Assert.Equal(UnreachableCause.Closed, Assert.IsType<ProbeResult.Failed>(await asking).Cause);
        Assert.Equal(UnreachableCause.NameUnknown, Assert.IsType<ProbeResult.Failed>(await reader.TryAsync("nowhere.invalid", 22, Patience, CancellationToken.None)).Cause);
    }

    public void Dispose()
    {
        servers.ForEach(static server => server.Dispose());
        test.Dispose();
    }

    private Sshd Server(string host, string extraConfig = "")
    {
        var server = new Sshd(test, host, extraConfig);
        servers.Add(server);
        File.AppendAllText(test.File("stanzas"), server.Stanza(host.Contains('.', StringComparison.Ordinal) ? host : $"{host} {host}.*"));
        return server;
    }

    private Task WriteClientConfigAsync() => File.WriteAllTextAsync(test.File("ssh_config"), File.Exists(test.File("stanzas")) ? File.ReadAllText(test.File("stanzas")) : "");

    private async Task<int> RunAsync(string[] hostfile, GatePace? pace = null, string[]? skip = null, CancellationToken cancellation = default)
    {
        if (!File.Exists(test.File("ssh_config"))) await WriteClientConfigAsync();
        await File.WriteAllLinesAsync(test.File("hostfile"), hostfile, CancellationToken.None);
        if (pace is null)
        {
            string[] args = ["gate", "--transport", "ssh", "--hostfile", test.File("hostfile"), "--ssh-args", $"-F {test.File("ssh_config")}", .. (skip ?? []).SelectMany(static s => new[] { "--skip", s })];
            return await AgentProgram.RunAsync(args, test.Agent, cancellation);
        }

        var options = new GateOptions { HostfilePath = test.File("hostfile"), SshArgs = ["-F", test.File("ssh_config")], Pace = pace };
        return await GateRole.RunAsync(options, test.Agent, cancellation);
    }

    private GateReport Report() => AgentReport.TryRead(File.ReadAllText(test.File("termination-log")))!.Gate!;

    /// <summary>Lets a test wait for a line.</summary>
    private sealed class WatchedWriter : StringWriter
    {
        private readonly TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private string? wanted;

        public Task WaitForAsync(string text, TimeSpan patience)
        {
            lock (seen)
            {
                wanted = text;
                Look();
            }

            return seen.Task.WaitAsync(patience);
        }

        public override Task WriteLineAsync(string? value)
        {
            lock (seen)
            {
                base.WriteLine(value);
                Look();
            }

            return Task.CompletedTask;
        }

        private void Look()
        {
            if (wanted is not null && ToString().Contains(wanted, StringComparison.Ordinal)) seen.TrySetResult();
        }
    }
}
