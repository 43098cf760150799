using System.Collections.Immutable;
using System.Globalization;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>Tries one worker.</summary>
public interface IWorkerProbe
{
    /// <summary>Ends within a bounded time, whatever the worker does.</summary>
    Task<ProbeResult> TryAsync(string host, ProbeMethod method, CancellationToken cancellation);
}

/// <summary>
/// Proof over ssh: a login as MPI itself will do it, so that port, user, keys and trust are the image's own; or sshd's
/// banner, by a connection of our own.
/// </summary>
/// <param name="ssh">The path of ssh, or null where the image has none.</param>
public sealed class SshProbe(string? ssh, ImmutableArray<string> sshArgs, IProcessRunner processes, BannerReader banners, TimeProvider time) : IWorkerProbe
{
    private const int StandardPort = 22;
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(5);

    /// <summary>A login whose shell hangs is no proof; connecting, key exchange and login of a busy worker need less than this.</summary>
    private static readonly TimeSpan LoginLimit = TimeSpan.FromSeconds(20);

    public async Task<ProbeResult> TryAsync(string host, ProbeMethod method, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(LoginLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return method == ProbeMethod.Login && ssh is not null
                ? await LoginAsync(ssh, host, both.Token)
                : await banners.TryAsync(host, await PortAsync(host, both.Token), ConnectLimit, both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return SshDiagnosis.Failed(UnreachableCause.Silent, $"no login within {LoginLimit.TotalSeconds} s");
        }
    }

    private async Task<ProbeResult> LoginAsync(string path, string host, CancellationToken cancellation)
    {
        // ssh takes the first value of an option, so ours stand before those meant for mpirun: the retries are the gate's.
        string[] args = ["-o", "BatchMode=yes", "-o", $"ConnectTimeout={ConnectLimit.TotalSeconds}", "-o", "ConnectionAttempts=1", .. sshArgs, host, "true"];
        var result = await processes.RunAsync(path, args, cancellation);
        return SshDiagnosis.Of(result.ExitCode, result.Error);
    }

    /// <summary>The port that the image's ssh configuration gives this host.</summary>
    private async Task<int> PortAsync(string host, CancellationToken cancellation)
    {
        if (ssh is null) return StandardPort;
        var settings = await processes.RunAsync(ssh, ["-G", .. sshArgs, host], cancellation);
        var line = Array.Find(settings.Output.Split('\n'), static l => l.StartsWith("port ", StringComparison.Ordinal));
        return line is not null && int.TryParse(line["port ".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : StandardPort;
    }
}
