using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Kube.Nodes.Virtual;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;
using GateOptions = Mpi.Agent.Roles.GateOptions;

namespace Simulation;

/// <summary>
/// Launcher and workers over ssh. Names come from the cluster's DNS, keys from the pods' Secret, and what <c>ssh</c> prints of a failure is what OpenSSH
/// does, for the gate to read. In each worker runs an sshd.
/// </summary>
internal sealed class OverSsh(PodAgent pod, bool launcher, AgentPods world, PodSurroundings surroundings, AgentEnvironment environment) : OverShell(pod, launcher, world, environment), IProcessRunner
{
    private const int Port = 22;

    /// <summary>ssh's own failures; any other code is the command's.</summary>
    private const int OwnFailure = 255;

    private string Keys => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(surroundings.Secret("ssh-auth") ?? "none")));

    public override Task<GateReport> WaitInGateAsync(ImmutableArray<string> hosts, GateOptions options, Func<bool> allRun)
    {
        var probe = new SshProbe(Find("ssh"), options.SshArgs, this, new BannerReader(World.Network.Names, World.Clock), World.Clock);
        var machine = new GateMachine(hosts, ProbeMethod.Login, options.Pace, Environment.Random);
        return new GateRole(machine, probe, allRun, Environment.Output, World.Clock).WaitAsync(CancellationToken.None);
    }

    public override async Task<ContainerRun> ServeAsync()
    {
        using var sshd = Environment.Network.Listen(Port);
        while (true)
        {
            var accepted = await sshd.AcceptAsync(CancellationToken.None);
            _ = AnswerAsync(accepted.Connection, Keys);
        }
    }

    public string? Find(string program) => $"/usr/bin/{program}";

    /// <summary><c>ssh [-o option]... host command</c>.</summary>
    public async Task<ProcessResult> RunAsync(string path, IReadOnlyList<string> args, CancellationToken cancellation)
    {
        var (at, connectTimeout) = (0, Timeout.InfiniteTimeSpan);
        for (; args[at] == "-o"; at += 2)
        {
            if (args[at + 1].Split('=') is ["ConnectTimeout", var seconds]) connectTimeout = TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture));
        }

        var failed = await LogInAsync(args[at], [.. args.Skip(at + 1)], connectTimeout, cancellation);
        return failed is null ? new ProcessResult(0, "", "") : new ProcessResult(OwnFailure, "", $"{failed}\n");
    }

    protected override async Task<string?> CallAsync(string host, IReadOnlyList<string> words, CancellationToken cancellation)
    {
        var result = await RunAsync("ssh", [host, .. words], cancellation);
        return result.ExitCode == 0 ? null : result.Error.Trim();
    }

    private async Task<string?> LogInAsync(string host, string[] words, TimeSpan connectTimeout, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(connectTimeout, World.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        Stream connection;
        try
        {
            if (await World.Network.Names.ResolveAsync(host, both.Token) is not [var address, ..]) return $"ssh: Could not resolve hostname {host}: Name or service not known";
            connection = await Environment.Network.ConnectAsync(new IPEndPoint(address, Port), both.Token);
        }
        catch (SocketException)
        {
            return $"ssh: connect to host {host} port {Port}: Connection refused";
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return $"ssh: connect to host {host} port {Port}: Connection timed out";
        }

        await using (connection)
        {
            try
            {
                return await AskAsync(connection, Keys, words, cancellation) switch
                {
                    "0" => null,
                    "denied" => $"mpi@{host}: Permission denied (publickey).",
                    _ => $"Connection to {host} closed by remote host.",
                };
            }
            catch (IOException)
            {
                return $"Connection reset by {host} port {Port}";
            }
        }
    }
}
