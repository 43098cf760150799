using System.Net;
using System.Text;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>Runs commands in the workers of this pod's job through the Kubernetes API, as the pod's service account.</summary>
/// <param name="container">The workers' container; empty leaves it to the server.</param>
internal sealed class PodCommands(ApiServer server, string container, INameResolver names, TimeProvider time)
{
    /// <summary>MPI sends lines for a shell, which here is the worker's own: what they refer to is in its environment.</summary>
    public const string Shell = "/bin/sh";

    /// <summary>Until a command has been accepted.</summary>
    private static readonly TimeSpan AcceptLimit = TimeSpan.FromSeconds(30);

    public static PodCommands OfThisPod(AgentEnvironment agent) => new(
        ApiServer.OfThisPod(agent.Variable), agent.Variable(AgentContract.ExecContainerVariable) ?? "", new NameResolver("/etc/hosts", "/etc/resolv.conf", agent.Time, agent.Random), agent.Time);

    /// <param name="host">A name from the hostfile; its first label is the pod.</param>
    /// <param name="line">Gives the command line, for the address under which this pod goes out.</param>
    /// <param name="withInput">Whether the command gets an input.</param>
    /// <exception cref="ExecException">The command was refused.</exception>
    /// <exception cref="IOException">The API server does not answer.</exception>
    public async Task<ExecSession> StartAsync(string host, Func<IPAddress, string> line, bool withInput, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(AcceptLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            var connection = await ApiConnection.OpenAsync(server, names, both.Token);
            try
            {
                var target = Target(server.ReadNamespace(), Hostfile.Short(host), container, line(connection.OwnAddress), withInput);
                return new ExecSession(await ExecHandshake.UpgradeAsync(connection.Stream, server.Address, target, server.ReadToken(), both.Token), connection);
            }
            catch
            {
                await connection.DisposeAsync();
                throw;
            }
        }
        catch (OperationCanceledException fault) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"the API server at {server.Address} has not answered within {AcceptLimit.TotalSeconds:0} s", fault);
        }
    }

    internal static string Target(string ns, string pod, string container, string line, bool withInput)
    {
        var target = new StringBuilder($"/api/v1/namespaces/{Uri.EscapeDataString(ns)}/pods/{Uri.EscapeDataString(pod)}/exec?stdout=true&stderr=true");
        if (withInput) target.Append("&stdin=true");
        if (container.Length > 0) target.Append("&container=").Append(Uri.EscapeDataString(container));
        foreach (var word in (ReadOnlySpan<string>)[Shell, "-c", line]) target.Append("&command=").Append(Uri.EscapeDataString(word));
        return target.ToString();
    }
}
