using System.CommandLine;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary><c>kubempi down</c>: ends the local cluster of the background and everything in it.</summary>
internal static class DownCommand
{
    /// <summary>A cluster that does not answer is ended all the same.</summary>
    private static readonly TimeSpan AskLimit = TimeSpan.FromSeconds(20);

    private const int NamesShown = 5;

    public static Command Create()
    {
        var command = new Command("down", "End the local cluster that kubempi up started, with everything in it.");
        command.SetAction((_, cancellation) => RunAsync(cancellation));
        return command;
    }

    private static async Task<int> RunAsync(CancellationToken cancellation)
    {
        var line = RunTerminal.Open(json: false).Line;
        var background = BackgroundCluster.OfThisUser();
        var record = background.Folder.Read();
        try
        {
            if (record is { IsReady: true, Process.Lives: true }) await TellRunningAsync(background.Folder, line, cancellation);
            line.Show("ending the local cluster");
            var outcome = await background.StopAsync(text => line.Say($"kubempi: {text}"), cancellation);
            line.Show("");
            line.Say(outcome switch
            {
                StopOutcome.Ended => $"The local cluster is down{(record?.Kubeconfig is { } config ? $"; context {KubeconfigText.Name} was taken out of {config.File}" : "")}.",
                StopOutcome.Cleared => "There was no local cluster any more; what the last one left behind was removed.",
                StopOutcome.Nothing => "There is no local cluster (kubempi up starts one).",
                _ => $"kubempi: a local cluster is starting or ending and does not say who it is; try again, or look at {background.Folder.Log}",
            });
            return outcome == StopOutcome.Stuck ? ExitCode.Failure : ExitCode.Success;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            line.Show("");
            line.Say($"kubempi: {refused.Message}");
            return ExitCode.MachineUnfit;
        }
    }

    /// <summary>Names the MPI jobs that have not finished, since they end now.</summary>
    private static async Task TellRunningAsync(BackgroundFolder folder, StatusLine line, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(AskLimit);
        line.Show("asking the local cluster what runs in it");
        try
        {
            using var client = ClusterConnection.Load(new ClusterConnectionOptions(folder.Kubeconfig), TimeProvider.System).CreateClient(KubeClientOptions.Default, TimeProvider.System);
            var running = new List<string>();
            foreach (var dialect in ManifestDialects.All)
            {
                var jobs = await client.ListAsync(dialect.Kind, null, new ListOptions(), limit.Token);
                running.AddRange(jobs.Items.Where(static j => !j.Root.Items("status", "conditions").Any(static c => c.Text("type") is "Succeeded" or "Failed" && c.Text("status") == "True")).Select(static j => j.Meta.Key.ToString()));
            }

            if (running.Count > 0) line.Say($"kubempi: ends with it, unfinished: {string.Join(", ", running.Take(NamesShown))}{(running.Count > NamesShown ? $" and {running.Count - NamesShown} more" : "")}");
        }
        catch (Exception silent) when (silent is ApiException or HttpRequestException or ConnectionException || (silent is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            var why = silent is OperationCanceledException ? $"no answer within {AskLimit.TotalSeconds} s" : silent.Message;
            line.Say($"kubempi: jobs that may still run in it are not known: {why}");
        }
    }
}
