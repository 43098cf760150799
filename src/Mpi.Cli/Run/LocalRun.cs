using System.Collections.Immutable;
using Kube.Client;
using Kube.Nodes.Linux;
using Kube.Types;
using Mpi.Dialects;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary>One <c>kubempi run</c>: read, check, bring up a cluster, create, follow, report, take everything down.</summary>
internal static class LocalRun
{
    /// <summary>How long cancelled jobs may take to end by themselves before everything is killed.</summary>
    private static readonly TimeSpan FarewellLimit = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(RunOptions options, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        var terminal = RunTerminal.Open(options.Json);
        var line = terminal.Line;

        // 1. The manifest, with everything that is wrong in it.
        if (ManifestFile.Read(options.File, line.Say) is not { } manifest)
        {
            line.Say("kubempi: nothing was started.");
            return ExitCode.Usage;
        }


        // 2. The cluster, which ends with this block whatever happens in it.
        var begun = time.GetTimestamp();
        line.Show("starting a local cluster");
        LocalCluster.LocalCluster cluster;
        try
        {
            cluster = await LocalCluster.LocalCluster.StartAsync(ClusterOptions(manifest.Folder, line.Say), cancellation);
        }
        catch (SandboxException refusal)
        {
            line.Show("");
            await Preflight.ExplainAsync(refusal, line.Say, time, cancellation);
            return ExitCode.MachineUnfit;
        }
        catch (OperationCanceledException)
        {
            line.Show("");
            return ExitCode.Interrupted;
        }

        await using (cluster)
        {
            if (Preflight.Faults(cluster.Node, manifest) is { Count: > 0 } faults)
            {
                line.Show("");
                foreach (var fault in faults) line.Say($"kubempi: {fault}");
                return ExitCode.MachineUnfit;
            }

            // 3. The objects, in the order in which they stand.
            var started = await CreateAsync(cluster.Client, manifest, line, time, cancellation);
            if (started is null) return ExitCode.Usage;

            // 4. To the end, the limit, Ctrl-C, or the cluster's own failure, whichever is first.
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

            if (options.Keep && code is null) await KeepAsync(cluster, line, cancellation);
            if (follower.Jobs.Any(static j => j.Timeline.Outcome is null)) await CancelJobsAsync(cluster.Client, follower, time);
            return code ?? follower.Jobs.Select(ExitCodeOf).FirstOrDefault(static c => c != 0);
        }
    }

    private static LocalClusterOptions ClusterOptions(string manifestFolder, Action<string> say)
    {
        return new LocalClusterOptions
        {
            Cache = ImagePath.Cache,
            ImagePath = ImagePath.For(manifestFolder),
            Program = HostProgram.Current(),
            Notice = text => say($"kubempi: {text}"),
        };
    }

    /// <returns>Null when the API refused an object; what it said has been told.</returns>
    private static async Task<ImmutableArray<StartedJob>?> CreateAsync(KubeClient client, ManifestFile manifest, StatusLine line, TimeProvider time, CancellationToken cancellation)
    {
        var started = ImmutableArray.CreateBuilder<StartedJob>();
        foreach (var ns in manifest.Objects.Select(static o => o.Object.Meta.Namespace).Distinct().Where(static n => n.Length > 0 && n != "default"))
        {
            if (manifest.Objects.Any(o => o.Kind == Kinds.Namespace && o.Object.Meta.Name == ns)) continue;
            await client.CreateAsync(Kinds.Namespace, KubeObject.Parse($$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{ns}}}"}}"""), cancellation);
        }

        foreach (var item in manifest.Objects)
        {
            try
            {
                var at = time.GetTimestamp();
                var created = await client.CreateAsync(item.Kind, item.Object, cancellation);
                if (ManifestDialects.For(created.ApiVersion, created.Kind) is not null) started.Add(new StartedJob(item.Kind, created, at));
            }
            catch (ApiException refusal) when (refusal.Responsibility is Responsibility.User or Responsibility.Replan)
            {
                line.Show("");
                line.Say($"{manifest.Path}: {item.Kind} {item.Object.Meta.Key}: {refusal.Message}");
                return null;
            }
        }

        return started.ToImmutable();
    }

    /// <returns>An exit code that overrides the jobs' own; null when all of them ended.</returns>
    private static async Task<int?> FollowAsync(
        RunFollower follower, LocalCluster.LocalCluster cluster, RunOptions options, RunTerminal terminal, TimeProvider time, CancellationToken cancellation)
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
                terminal.Line.Say($"kubempi: the local cluster broke: {await cluster.Failure}");
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

    /// <summary>A job that is cut short gets its SIGTERM, as on a cluster, before the sandbox goes and takes the rest with it.</summary>
    private static async Task CancelJobsAsync(KubeClient client, RunFollower follower, TimeProvider time)
    {
        using var limit = new CancellationTokenSource(FarewellLimit, time);
        try
        {
            foreach (var job in follower.Jobs)
            {
                var meta = job.Started.Object.Meta;
                await client.DeleteAsync(job.Started.Kind, meta.Namespace, meta.Name, new DeleteOptions(Propagation: "Background"), limit.Token);
            }

            await follower.UntilPodsGoneAsync(limit.Token);
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or OperationCanceledException)
        {
            // It is being killed next; nothing is lost but politeness.
        }
    }

    private static async Task KeepAsync(LocalCluster.LocalCluster cluster, StatusLine line, CancellationToken cancellation)
    {
        line.Say($"""

            The local cluster stays up until Ctrl-C. In another terminal:
              export KUBECONFIG={cluster.Kubeconfig}
              kubectl get mpijobs,pods
            """);
        try
        {
            line.Say($"kubempi: the local cluster broke: {await cluster.Failure.WaitAsync(cancellation)}");
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
