using System.Collections.Immutable;
using System.Globalization;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>Tries one worker.</summary>
public interface IWorkerProbe
{
    /// <summary>Ends within a bounded time, whatever the worker does.</summary>
    Task<ProbeResult> TryAsync(GateTry one, CancellationToken cancellation);
}

/// <summary>
/// Proof over ssh: a login as MPI itself will do it, so that port, user, keys and trust are the image's own; or sshd's
/// banner, by a connection of our own.
/// </summary>
/// <param name="ssh">The path of ssh, or null where the image has none.</param>
public sealed class SshProbe(string? ssh, ImmutableArray<string> sshArgs, IProcessRunner processes, BannerReader banners, TimeProvider time) : IWorkerProbe
{
    private const int StandardPort = 22;

    /// <summary>
    /// How long connecting may take, the greeting included. Not longer than this, whatever the try may: the kernel repeats a lost
    /// first packet less and less often, and a worker whose network comes up is to be noticed.
    /// </summary>
    private static readonly TimeSpan LongestConnect = TimeSpan.FromSeconds(15);

    /// <summary>A login whose shell hangs is no proof: it ends with the time of its try.</summary>
    public async Task<ProbeResult> TryAsync(GateTry one, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(one.Limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return one.Method == ProbeMethod.Login && ssh is not null
                ? await LoginAsync(ssh, one, both.Token)
                : await banners.TryAsync(one.Host, await PortAsync(one.Host, both.Token), ConnectLimit(one), both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return SshDiagnosis.Failed(UnreachableCause.Silent, string.Create(CultureInfo.InvariantCulture, $"no login within {one.Limit.TotalSeconds:0.#} s"));
        }
    }

    private async Task<ProbeResult> LoginAsync(string path, GateTry one, CancellationToken cancellation)
    {
        // ssh takes the first value of an option, so ours stand before those meant for mpirun: the retries are the gate's.
        var connectTimeout = string.Create(CultureInfo.InvariantCulture, $"ConnectTimeout={Math.Ceiling(ConnectLimit(one).TotalSeconds)}");
        string[] args = ["-o", "BatchMode=yes", "-o", connectTimeout, "-o", "ConnectionAttempts=1", .. sshArgs, one.Host, "true"];
        var result = await processes.RunAsync(path, args, cancellation);
        return SshDiagnosis.Of(result.ExitCode, result.Error);
    }

    private static TimeSpan ConnectLimit(GateTry one) => one.Limit / 4 < LongestConnect ? one.Limit / 4 : LongestConnect;

    /// <summary>The port that the image's ssh configuration gives this host.</summary>
    private async Task<int> PortAsync(string host, CancellationToken cancellation)
    {
        if (ssh is null) return StandardPort;
        var settings = await processes.RunAsync(ssh, ["-G", .. sshArgs, host], cancellation);
        var line = Array.Find(settings.Output.Split('\n'), static l => l.StartsWith("port ", StringComparison.Ordinal));
        return line is not null && int.TryParse(line["port ".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : StandardPort;
    }
}
