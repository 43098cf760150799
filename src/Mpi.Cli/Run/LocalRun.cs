using System.Collections.Immutable;
using Kube.Client;
using Kube.Nodes.Linux;
using Kube.Types;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary>One <c>kubempi run</c>: read, check, find or bring up a cluster, create, follow, report, take everything away.</summary>
internal static class LocalRun
{
    /// <summary>How long a run's pods may take to end by themselves before the run no longer waits for them.</summary>
    private static readonly TimeSpan FarewellLimit = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(RunOptions options, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        var terminal = RunTerminal.Open(options.Json);
        var line = terminal.Line;

        // 1. The manifest, with everything that is wrong in it, and what this machine lacks for it.
        if (ManifestFile.Read(options.File, line.Say) is not { } manifest)
        {
            line.Say("kubempi: nothing was started.");
            return ExitCode.Usage;
        }

        if (Preflight.Faults(manifest) is { Count: > 0 } faults)
        {
            foreach (var fault in faults) line.Say($"kubempi: {fault}");
            return ExitCode.MachineUnfit;
        }

        // 2. The cluster: the one that is up, or one that ends with this block whatever happens in it.
        var begun = time.GetTimestamp();
        RunCluster cluster;
        try
        {
            line.Show("starting a local cluster");
            cluster = await ClusterAsync(options, manifest, line, time, cancellation);
        }
        catch (SandboxException refusal)
        {
            line.Show("");
            await Preflight.ExplainAsync(refusal, line.Say, time, cancellation);
            return ExitCode.MachineUnfit;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            line.Show("");
            line.Say($"kubempi: {refused.Message}");
            return ExitCode.MachineUnfit;
        }
        catch (ConnectionException silence)
        {
            line.Show("");
            line.Say($"kubempi: {silence.Message}");
            return ExitCode.Failure;
        }
        catch (OperationCanceledException)
        {
            line.Show("");
            return ExitCode.Interrupted;
        }

        await using (cluster) return await RunInAsync(cluster, manifest, options, begun, terminal, time, cancellation);
    }

    private static async Task<int> RunInAsync(RunCluster cluster, ManifestFile manifest, RunOptions options, long begun, RunTerminal terminal, TimeProvider time, CancellationToken cancellation)
    {
        var line = terminal.Line;

        // 3. The objects, in the order in which they stand.
        var objects = new RunObjects(cluster.Client, time);
        ImmutableArray<StartedJob>? made;
        try
        {
            made = await objects.CreateAsync(manifest, Say, cancellation);
        }
        catch (HttpRequestException lost)
        {
            Say($"kubempi: the local cluster does not answer any more: {lost.Message}");
            return ExitCode.Failure;
        }

        if (made is not { } started)
        {
            if (cluster.Outlives) await FarewellAsync(objects, follower: null, time);
            return ExitCode.Usage;
        }

        // 4. To the end, the limit, Ctrl-C, or the cluster's own end, whichever is first.
        await using var follower = new RunFollower(cluster, started, () => new RunReport(line, terminal.Colour), line, options.Json, time);
        var code = await FollowAsync(follower, cluster, options, terminal, time, cancellation);
        line.Show("");

        // 5. The summary.
        foreach (var job in follower.Jobs)
        {
            var name = job.Started.Object.Meta.Name;
            var elapsed = job.Timeline.Reached.TryGetValue(RunStage.Finished, out var at) ? at : time.GetElapsedTime(begun);
            job.Report.Summary(name, job.Timeline, job.Ranks, elapsed);
            if (options.Json) line.Output(RunReport.Json(job.Started.Object.Meta.Namespace, name, job.Timeline, job.Ranks, elapsed, code ?? ExitCodeOf(job)).ToJsonString() + "\n");
        }

        // 6. What is left: nothing, unless it was asked for. A job that is cut short gets its SIGTERM, as on a cluster; what has
        // ended in a cluster that ends too needs no goodbye.
        if (options.Keep && code is null) await KeepAsync(cluster, manifest, line, cancellation);
        else if (cluster.Outlives || follower.Jobs.Any(static j => j.Timeline.Outcome is null)) await FarewellAsync(objects, follower, time);
        return code ?? follower.Jobs.Select(ExitCodeOf).FirstOrDefault(static c => c != 0);

        void Say(string text)
        {
            line.Show("");
            line.Say(text);
        }
    }

    /// <summary>What is special about a run (image stand-ins beside its manifest, devices that it sets) needs a cluster made for it.</summary>
    private static async Task<RunCluster> ClusterAsync(RunOptions options, ManifestFile manifest, StatusLine line, TimeProvider time, CancellationToken cancellation)
    {
        var bringsImages = Directory.Exists(ImagePath.BesideManifest(manifest.Folder));
        if (!options.Private && options.Pretended.IsEmpty)
        {
            var background = BackgroundCluster.OfThisUser();
            if (await background.FindAsync(cancellation) is { } record)
            {
                if (!bringsImages)
                {
                    line.Show("waiting for the local cluster to answer");
                    return await RunCluster.JoinAsync(background.Folder, record, line.Say, time, cancellation);
                }

                line.Say($"kubempi: {ImagePath.BesideManifest(manifest.Folder)} has image stand-ins of its own, so this run gets a cluster of its own and not the one of kubempi up");
            }
        }

        return await RunCluster.StartAsync(
            new LocalClusterOptions
            {
                Cache = ImagePath.Cache,
                ImagePath = ImagePath.For(manifest.Folder),
                Program = HostProgram.Current(),
                PretendedResources = ResourceList.Amounts(options.Pretended),
                Notice = text => line.Say($"kubempi: {text}"),
            },
            cancellation);
    }

    /// <returns>An exit code that overrides the jobs' own; null when all of them ended.</returns>
    private static async Task<int?> FollowAsync(RunFollower follower, RunCluster cluster, RunOptions options, RunTerminal terminal, TimeProvider time, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var end = follower.UntilEndAsync(terminal.Live, stop.Token);
        var limit = Task.Delay(options.Timeout ?? Timeout.InfiniteTimeSpan, time, stop.Token);
        var first = await Task.WhenAny(end, limit, cluster.Failure);
        try
        {
            if (first == cluster.Failure)
            {
                terminal.Line.Show("");
                terminal.Line.Say($"kubempi: {await cluster.Failure}");
                return ExitCode.Failure;
            }

            await first;
            if (first == end) return null;
            terminal.Line.Show("");
            terminal.Line.Say($"kubempi: the time of --timeout is over");
            return ExitCode.TimedOut;
        }
        catch (OperationCanceledException)
        {
            terminal.Line.Show("");
            terminal.Line.Say("kubempi: interrupted; ending the job and cleaning up (again Ctrl-C: at once)");
            return ExitCode.Interrupted;
        }
        finally
        {
            await stop.CancelAsync();
        }
    }

    private static async Task FarewellAsync(RunObjects objects, RunFollower? follower, TimeProvider time)
    {
        using var limit = new CancellationTokenSource(FarewellLimit, time);
        try
        {
            await objects.DeleteAsync(limit.Token);
            if (follower is not null) await follower.UntilPodsGoneAsync(limit.Token);
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or OperationCanceledException)
        {
            // The cluster ended first, or a pod takes longer than its grace; its cluster sees to the rest.
        }
    }

    private static async Task KeepAsync(RunCluster cluster, ManifestFile manifest, StatusLine line, CancellationToken cancellation)
    {
        if (cluster.Outlives)
        {
            line.Say($"""

                The job stays in the local cluster. To look at it, and to remove it:
                  kubectl --kubeconfig {cluster.Kubeconfig} --context {KubeconfigText.Name} get mpijobs,pods
                  kubectl --kubeconfig {cluster.Kubeconfig} --context {KubeconfigText.Name} delete -f {manifest.Path}
                """);
            return;
        }

        line.Say($"""

            The local cluster stays up until Ctrl-C. In another terminal:
              export KUBECONFIG={cluster.Kubeconfig}
              kubectl get mpijobs,pods
            """);
        try
        {
            line.Say($"kubempi: {await cluster.Failure.WaitAsync(cancellation)}");
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C, as was asked for.
        }
    }

    private static int ExitCodeOf(FollowedJob job) => job.Timeline.Outcome switch
    {
        null => ExitCode.Failure,
        { Succeeded: true } => ExitCode.Success,
        { ExitCode: > 0 and var code } => code,
        _ => ExitCode.Failure,
    };
}
