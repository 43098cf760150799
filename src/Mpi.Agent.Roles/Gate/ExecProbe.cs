using System.Globalization;
using System.Text;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>Proof over the Kubernetes API: a command that does nothing, run in the worker by the very way that MPI's daemons will take.</summary>
internal sealed class ExecProbe(PodCommands pods) : IWorkerProbe
{
    private const string Nothing = "exit 0";
    private const int LongestWords = 200;

    public async Task<ProbeResult> TryAsync(GateTry one, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(one.Limit);
        var said = new StringBuilder();
        try
        {
            await using var session = await pods.StartAsync(one.Host, static _ => Nothing, withInput: false, limit.Token);
            var code = await session.RunAsync(null, (_, bytes) => said.Append(Encoding.UTF8.GetString(bytes.Span[..Math.Min(bytes.Length, LongestWords)])), limit.Token);
            if (code == 0) return new ProbeResult.Reached();
            return SshDiagnosis.Failed(UnreachableCause.Other, string.Create(CultureInfo.InvariantCulture, $"{PodCommands.Shell} ended with code {code}: {said.ToString().Trim()}"));
        }
        catch (ExecException fault)
        {
            return SshDiagnosis.Failed(Cause(fault), fault.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return SshDiagnosis.Failed(UnreachableCause.Silent, string.Create(CultureInfo.InvariantCulture, $"no command has run within {one.Limit.TotalSeconds:0.#} s"));
        }
    }

    private static UnreachableCause Cause(ExecException fault) => fault switch
    {
        { Code: 401 or 403 } => UnreachableCause.PermissionDenied,
        { NotRunning: true } => UnreachableCause.NotRunning,
        _ => UnreachableCause.Other,
    };
}
