using Kube.Nodes.Linux;
using Kube.Types;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary>
/// The process of a background cluster, from taking the user's one place for it to leaving nothing behind. It does not know whether
/// it is in the background: <c>kubempi up</c> starts it there, a service supervisor or a person (<c>--foreground</c>) anywhere.
/// </summary>
internal static class ClusterService
{
    /// <summary>Somebody who only looks whether the place is taken holds it for a moment.</summary>
    private static readonly TimeSpan ClaimLimit = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan NodeLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);

    /// <summary>How often it looks whether its files are still there; a session that ends takes its runtime folder along.</summary>
    private static readonly TimeSpan Upkeep = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(UpOptions options, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        var folder = new BackgroundFolder(StateDirectory.DefaultParent());
        using var claim = await ClaimAsync(folder, time, cancellation);
        if (claim is null)
        {
            Say("the local cluster is up already; kubempi down ends it.");
            return ExitCode.Failure;
        }

        var log = LogBound.OfThisProcess(folder.Log);
        var code = ExitCode.Failure;
        try
        {
            await folder.ClearAsync(Say, time, CancellationToken.None);
            code = await ServeAsync(options, folder, claim, log, time, cancellation);
            return code;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            code = ExitCode.Success;
            return code;
        }
        finally
        {
            await folder.ClearAsync(Say, time, CancellationToken.None);
            // Who started it reads the reason of a failure in its log.
            if (code == ExitCode.Success || log is null) folder.Remove();
            claim.Dispose();
            folder.RemoveParentIfEmpty();
        }
    }

    private static async Task<int> ServeAsync(UpOptions options, BackgroundFolder folder, BackgroundLock claim, LogBound? log, TimeProvider time, CancellationToken cancellation)
    {
        var record = new BackgroundRecord(ProcessIdentity.OfThis(), string.Join(' ', options.ToArguments()), UpReport.Build) { VirtualNodes = options.VirtualNodes };
        folder.Write(record);
        LocalCluster.LocalCluster cluster;
        try
        {
            cluster = await LocalCluster.LocalCluster.StartAsync(
                new LocalClusterOptions
                {
                    Cache = ImagePath.Cache,
                    ImagePath = ImagePath.Of(options.Images),
                    Program = HostProgram.Current(),
                    Notice = Say,
                    PretendedResources = ResourceList.Amounts(options.Pretended),
                    PodPidsLimit = options.PodPidsLimit,
                    ClusterDomain = options.ClusterDomain,
                    VirtualNodes = Pretending.Nodes(options.VirtualNodes, options.VirtualNodeResources),
                },
                cancellation);
        }
        catch (SandboxException refusal)
        {
            await Preflight.ExplainAsync(refusal, Console.Error.WriteLine, time, cancellation);
            return ExitCode.MachineUnfit;
        }

        await using (cluster)
        {
            if (!await NodeIsReadyAsync(cluster, time, cancellation)) return ExitCode.Failure;
            cluster.Host.WriteKubeconfig(folder.Kubeconfig);
            try
            {
                record = await PublishAsync(options, folder, record, cluster, time, cancellation);
            }
            catch (KubeconfigException fault)
            {
                await Console.Error.WriteLineAsync(UpReport.KubeconfigFault(options, fault));
                return ExitCode.Usage;
            }

            Say($"ready: {record.Server}");
            return await UntilEndAsync(cluster, folder, claim, log, time, cancellation);
        }
    }

    private static async Task<BackgroundRecord> PublishAsync(
        UpOptions options, BackgroundFolder folder, BackgroundRecord record, LocalCluster.LocalCluster cluster, TimeProvider time, CancellationToken cancellation)
    {
        var file = UpReport.KubeconfigOf(options);
        // Written down before it is done: whoever clears up after a crash in between looks there too.
        folder.Write(record with { Kubeconfig = new KubeconfigChange(file, !File.Exists(file), !Directory.Exists(Path.GetDirectoryName(file)), IsCurrent: false) });
        var entry = new KubeconfigEntry(cluster.Host.Url, cluster.Host.AuthorityPem, cluster.Host.Token, folder.Path);
        var ready = record with { Server = cluster.Host.Url, Kubeconfig = await KubeconfigFile.AddAsync(file, entry, time, cancellation), ReadySince = time.GetUtcNow() };
        folder.Write(ready);
        return ready;
    }

    /// <summary>Returns when somebody asked for the end, the cluster broke, or its files were taken away.</summary>
    private static async Task<int> UntilEndAsync(LocalCluster.LocalCluster cluster, BackgroundFolder folder, BackgroundLock claim, LogBound? log, TimeProvider time, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                Say($"the local cluster broke: {await cluster.Failure.WaitAsync(Upkeep, time, cancellation)}");
                return ExitCode.Failure;
            }
            catch (TimeoutException)
            {
                log?.Trim();
                if (claim.IsSeen && Directory.Exists(folder.Path)) continue;
                Say($"{folder.Path} was removed, as happens at the end of a login session; ending with it");
                return ExitCode.Success;
            }
            catch (OperationCanceledException)
            {
                Say("ending, as was asked for");
                return ExitCode.Success;
            }
        }
    }

    private static async Task<BackgroundLock?> ClaimAsync(BackgroundFolder folder, TimeProvider time, CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        while (true)
        {
            if (folder.TryClaim() is { } claim) return claim;
            if (time.GetElapsedTime(begun) > ClaimLimit) return null;
            await Task.Delay(Glance, time, cancellation);
        }
    }

    private static async Task<bool> NodeIsReadyAsync(LocalCluster.LocalCluster cluster, TimeProvider time, CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        while (time.GetElapsedTime(begun) < NodeLimit)
        {
            if (cluster.Failure.IsCompletedSuccessfully)
            {
                Say($"the local cluster broke: {await cluster.Failure}");
                return false;
            }

            var nodes = await cluster.Client.ListAsync(Kinds.Node, null, new Kube.Client.ListOptions(), cancellation);
            if (nodes.Items.Any(static n => n.Meta.Name == LocalCluster.LocalCluster.NodeName && n.Root.Items("status", "conditions").Any(static c => c.Text("type") == "Ready" && c.Text("status") == "True"))) return true;
            await Task.Delay(Glance, time, cancellation);
        }

        Say($"the node did not become ready within {NodeLimit.TotalSeconds:0} s");
        return false;
    }

    private static void Say(string text) => Console.Error.WriteLine($"kubempi: {text}");
}
