using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Kube.Nodes.Virtual;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;
using GateOptions = Mpi.Agent.Roles.GateOptions;

namespace Simulation;

/// <summary>
/// A transport without an agent: the gate has a command run in each worker as mpirun will, by whatever brings commands to hosts there. The gate is the
/// agent's own; the remote shell is a stand-in that fails as the real one does.
/// </summary>
internal abstract class OverShell(PodAgent pod, bool launcher, AgentPods world, AgentEnvironment environment) : IPodRoles
{
    /// <summary>After which mpirun gives up a daemon of which it hears nothing.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const string Nothing = "true";

    public string Name { get; } = pod.View.Spec.Text("hostname") ?? pod.View.Meta.Name;

    public bool Leads => launcher;

    /// <summary>Who has been reached once is not asked again.</summary>
    public DateTimeOffset ProofsHoldFrom(DateTimeOffset gate) => gate;

    protected PodAgent Pod => pod;
    protected AgentPods World => world;
    protected AgentEnvironment Environment => environment;

    public abstract Task<GateReport> WaitInGateAsync(ImmutableArray<string> hosts, GateOptions options, Func<bool> allRun);

    public abstract Task<ContainerRun> ServeAsync();

    public async Task<ContainerRun> LeadAsync()
    {
        var mpirun = await Mpirun.StartAsync(pod, world);
        var code = await mpirun.RunAsync(async (host, words) =>
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(double.Parse(words[2], CultureInfo.InvariantCulture)) + Patience, world.Clock);
            try
            {
                return await CallAsync(host, words, limit.Token);
            }
            catch (OperationCanceledException)
            {
                return $"{host}: nothing was heard of its daemon";
            }
        });
        return new ContainerRun(null, code);
    }

    /// <summary>Has a command run on a host.</summary>
    /// <returns>Why that failed; null where it did not.</returns>
    protected abstract Task<string?> CallAsync(string host, IReadOnlyList<string> words, CancellationToken cancellation);

    /// <summary>The near end of a session: sends the command and waits for its end.</summary>
    /// <returns>What the far end says; null where it closed the connection instead.</returns>
    protected static async Task<string?> AskAsync(Stream connection, string keys, IReadOnlyList<string> words, CancellationToken cancellation)
    {
        await connection.WriteAsync(Encoding.ASCII.GetBytes($"{keys} {string.Join(' ', words)}\n"), cancellation);
        return await ReadLineAsync(connection, cancellation);
    }

    /// <summary>The far end: runs the command for whoever has the keys.</summary>
    protected async Task AnswerAsync(Stream connection, string keys)
    {
        try
        {
            if (await ReadLineAsync(connection, CancellationToken.None) is not { } line) return;
            var words = line.Split(' ');
            if (words[0] != keys) await connection.WriteAsync("denied\n"u8.ToArray(), CancellationToken.None);
            else
            {
                if (words[1] != Nothing) await Task.Delay(world.Rules.Started(pod, words[1..]), world.Clock, CancellationToken.None);
                await connection.WriteAsync("0\n"u8.ToArray(), CancellationToken.None);
            }
        }
        catch (IOException)
        {
            // Whoever called is gone, and with it what was to be done.
        }
        finally
        {
            await connection.DisposeAsync();
        }
    }

    // Byte by byte: a reader of .NET's would go on in another thread.
    private static async Task<string?> ReadLineAsync(Stream connection, CancellationToken cancellation)
    {
        var (line, one) = (new StringBuilder(), new byte[1]);
        while (await connection.ReadAsync(one, cancellation) > 0)
        {
            if (one[0] == '\n') return line.ToString();
            line.Append((char)one[0]);
        }

        return null;
    }
}
