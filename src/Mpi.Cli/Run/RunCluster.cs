using Kube.Client;
using Kube.Types;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary>The cluster that a run uses: one of its own, which ends with it, or the one that <c>kubempi up</c> keeps.</summary>
internal abstract class RunCluster : IAsyncDisposable
{
    public abstract KubeClient Client { get; }

    public abstract IRankGlance Ranks { get; }

    /// <summary>A kubeconfig for kubectl.</summary>
    public abstract string Kubeconfig { get; }

    /// <summary>Completes only if the cluster ends before the run does, with what a person should know.</summary>
    public abstract Task<string> Failure { get; }

    /// <summary>Whether it goes on after the run, and what the run made has to be taken away one by one.</summary>
    public abstract bool Outlives { get; }

    public abstract ValueTask DisposeAsync();

    /// <summary>Starts one for this run alone.</summary>
    public static async Task<RunCluster> StartAsync(LocalClusterOptions options, CancellationToken cancellation) =>
        new Own(await LocalCluster.LocalCluster.StartAsync(options, cancellation));

    /// <summary>Joins the background cluster, as soon as it answers.</summary>
    /// <param name="say">Told what the cluster has to say to its user from now on.</param>
    /// <exception cref="ConnectionException">It ended at this very moment, or does not answer.</exception>
    public static async Task<RunCluster> JoinAsync(BackgroundFolder folder, BackgroundRecord record, Action<string> say, TimeProvider time, CancellationToken cancellation)
    {
        var cluster = new Shared(folder, record, say, time);
        try
        {
            await cluster.AnswersAsync(cancellation);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private sealed class Own(LocalCluster.LocalCluster cluster) : RunCluster
    {
        public override KubeClient Client => cluster.Client;
        public override IRankGlance Ranks { get; } = new ProcessRanks(cluster.Node);
        public override string Kubeconfig => cluster.Kubeconfig;
        public override Task<string> Failure { get; } = BrokenAsync(cluster);
        public override bool Outlives => false;

        public override ValueTask DisposeAsync() => cluster.DisposeAsync();

        private static async Task<string> BrokenAsync(LocalCluster.LocalCluster cluster) => $"the local cluster broke: {await cluster.Failure}";
    }

    private sealed class Shared : RunCluster
    {
        private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);

        /// <summary>A machine that is busy with something else may take long to answer the first time.</summary>
        private static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(1);

        private readonly BackgroundFolder _folder;
        private readonly TimeProvider _time;
        private readonly CancellationTokenSource _over = new();

        public Shared(BackgroundFolder folder, BackgroundRecord record, Action<string> say, TimeProvider time)
        {
            (_folder, _time) = (folder, time);
            Client = ClusterConnection.Load(new ClusterConnectionOptions(folder.Kubeconfig), time).CreateClient(KubeClientOptions.Default with { UserAgent = "kubempi-run" }, time);
            Ranks = new RemoteRanks(Client);
            Kubeconfig = record.Kubeconfig?.File ?? folder.Kubeconfig;
            Failure = WatchAsync(record.Process, new LogTail(folder.Log), say);
        }

        public override KubeClient Client { get; }
        public override IRankGlance Ranks { get; }
        public override string Kubeconfig { get; }
        public override Task<string> Failure { get; }
        public override bool Outlives => true;

        public override async ValueTask DisposeAsync()
        {
            await _over.CancelAsync();
            await Task.WhenAny(Failure);
            Client.Dispose();
            _over.Dispose();
        }

        public async Task AnswersAsync(CancellationToken cancellation)
        {
            var begun = _time.GetTimestamp();
            while (true)
            {
                try
                {
                    await Client.GetAsync(Kinds.Namespace, null, "default", cancellation);
                    return;
                }
                catch (HttpRequestException) when (!Failure.IsCompleted && _time.GetElapsedTime(begun) < AnswerLimit)
                {
                    await Task.Delay(Glance, _time, cancellation);
                }
                catch (HttpRequestException silence)
                {
                    var why = Failure.IsCompletedSuccessfully ? await Failure : $"the local cluster does not answer ({silence.Message}); its log is {_folder.Log}, and kubempi down ends it";
                    throw new ConnectionException(why, silence);
                }
            }
        }

        private async Task<string> WatchAsync(ProcessIdentity process, LogTail log, Action<string> say)
        {
            while (process.Lives)
            {
                foreach (var line in log.Read()) say(line);
                await Task.Delay(Glance, _time, _over.Token);
            }

            return File.Exists(_folder.Log) ? $"the local cluster's process ended; its log is {_folder.Log}" : "the local cluster was ended by kubempi down";
        }
    }
}
