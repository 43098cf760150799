using System.Collections.Immutable;
using System.Security.Cryptography;
using Kube.ApiServer;
using Kube.Client;
using Kube.Controllers;
using Kube.Nodes.Linux;
using Kube.Nodes.Virtual;
using Kube.Types;
using Microsoft.Extensions.Logging;
using Mpi.Dialects;
using Mpi.Operator;

namespace Mpi.LocalCluster;

/// <summary>What a local cluster is given.</summary>
public sealed record LocalClusterOptions
{
    /// <summary>Holds the folders of this user's clusters (<see cref="StateDirectory"/>).</summary>
    public string StateParent { get; init; } = StateDirectory.DefaultParent();

    /// <summary>Keeps what is the same from run to run: built programs, unpacked stand-ins.</summary>
    public required string Cache { get; init; }

    /// <summary>Folders of image stand-ins, in the order in which they are searched.</summary>
    public required ImmutableArray<string> ImagePath { get; init; }

    /// <summary>How pods start this program in its agent role.</summary>
    public required HostProgram Program { get; init; }

    /// <summary>Told what a person should see: an image without a stand-in, a service that cannot be reached.</summary>
    public required Action<string> Notice { get; init; }

    /// <summary>Amounts of devices and the like that this machine's node offers; of all others as much as pods ask for.</summary>
    public ImmutableDictionary<string, Quantity> PretendedResources { get; init; } = ImmutableDictionary<string, Quantity>.Empty;

    /// <summary>Nodes whose pods only pretend, beside the one whose pods are processes.</summary>
    public ImmutableArray<VirtualNodeSpec> VirtualNodes { get; init; } = [];

    /// <summary>Processes and threads that one pod may have; null for as many as the machine has.</summary>
    public long? PodPidsLimit { get; init; }

    /// <summary>What the names of pods and Services end with, in the cluster and in the operator's hostfiles; null for a cluster's usual one.</summary>
    public string? ClusterDomain { get; init; }

    public ILoggerFactory Loggers { get; init; } = Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance;
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>
/// A whole cluster in this process: API server, controllers, a node that runs pods as processes of this machine, and the
/// operator, which talks to the API server over the same client and HTTP as to a real one. Everything ends with it.
/// </summary>
public sealed class LocalCluster : IAsyncDisposable
{
    public const string NodeName = "local";

    /// <summary>
    /// How many changes of each kind a watch may be behind. Whole objects are kept for it, so this is most of what a busy cluster of one machine
    /// takes of its memory; thousands of virtual pods need more.
    /// </summary>
    private const int ChangesKept = 1024;

    private readonly Stack<IAsyncDisposable> _parts;

    private LocalCluster(Stack<IAsyncDisposable> parts, KubeClient client, LinuxNode node, ApiServerHost host, string kubeconfig, Task<string> failure)
    {
        Host = host;
        _parts = parts;
        Client = client;
        Node = node;
        Kubeconfig = kubeconfig;
        Failure = failure;
    }

    /// <summary>Straight to the API server, without a socket.</summary>
    public KubeClient Client { get; }

    public LinuxNode Node { get; }

    /// <summary>The API server as other programs reach it.</summary>
    public ApiServerHost Host { get; }

    /// <summary>The path of a kubeconfig for kubectl.</summary>
    public string Kubeconfig { get; }

    /// <summary>Completes only if a part of the cluster breaks, with what a person should know.</summary>
    public Task<string> Failure { get; }

    /// <exception cref="SandboxException">This machine refuses to make pods; the message says why and what helps.</exception>
    public static async Task<LocalCluster> StartAsync(LocalClusterOptions options, CancellationToken cancellation)
    {
        var parts = new Stack<IAsyncDisposable>();
        try
        {
            return await ComposeAsync(options, parts, cancellation);
        }
        catch
        {
            await DisposeAllAsync(parts);
            throw;
        }
    }

    public ValueTask DisposeAsync() => DisposeAllAsync(_parts);

    private static async Task<LocalCluster> ComposeAsync(LocalClusterOptions options, Stack<IAsyncDisposable> parts, CancellationToken cancellation)
    {
        var time = options.Time;
        var state = StateDirectory.Create(options.StateParent);
        parts.Push(new Disposal(() => { state.Dispose(); return ValueTask.CompletedTask; }));
        var agent = HostAgent.Write(Directory.CreateDirectory(Path.Combine(state.Path, "bin")).FullName, options.Program);

        // The API server. Its first revision is later than any that an earlier cluster of this user has given out.
        var streams = new NodeStreams();
        var server = new KubeApiServer(new ApiServerOptions
        {
            Time = time,
            Converters = VersionConversion.Converters,
            FirstRevision = time.GetUtcNow().ToUnixTimeMilliseconds(),
            LogCapacity = options.VirtualNodes.IsEmpty ? ChangesKept : new ApiServerOptions().LogCapacity,
            PodLogs = streams,
            PodStreams = streams,
            TokenKey = RandomNumberGenerator.GetBytes(32),
        });
        var client = InProcessClient(server, "kubempi-local", time);
        var host = await ApiServerHost.StartAsync(server, RandomNumberGenerator.GetHexString(32, lowercase: true), time, port: 0, options.ClusterDomain ?? ApiServerHost.UsualDomain, cancellation);
        parts.Push(host);
        var kubeconfig = Path.Combine(state.Path, "kubeconfig");
        host.WriteKubeconfig(kubeconfig);
        var definitions = CustomResources.All().Select(static text => KubeObject.From(Yaml.Read(text)[0].Root));
        foreach (var definition in definitions.Concat(GangDefinitions.KubeBatch)) await client.CreateAsync(Kinds.CustomResourceDefinition, definition, cancellation);

        // The controllers and the node stand beside the API server and need no socket.
        var controllers = new ControllerSet(InProcessClient(server, "kubempi-controllers", time), new ControllerOptions(), time, new Random());
        parts.Push(controllers);
        var pretended = new PretendedResources(InProcessClient(server, "kubempi-controllers", time), Pretending.Resources(options), time, new Random());
        parts.Push(pretended);
        var events = new EventExpiry(InProcessClient(server, "kubempi-controllers", time), new EventExpiryOptions(), time, new Random());
        parts.Push(events);
        var node = await LinuxNode.StartAsync(InProcessClient(server, "kubempi-node", time), NodeOptions(options, agent) with { ClaimsFolder = Path.Combine(state.Path, "claims") }, time, new Random(), notice => options.Notice(notice.Text), cancellation);
        streams.Node = node;
        parts.Push(node);
        var ranks = new ProcessRanks(node);
        host.AnswerBeside((path, query) => RemoteRanks.Answer(path, query, ranks) ?? MemoryUse.Answer(path));

        ImmutableArray<ILoop> pretenders = [];
        if (!options.VirtualNodes.IsEmpty)
        {
            var nodes = new VirtualNodes(InProcessClient(server, "kubempi-virtual-nodes", time), Pretending.Options(options.VirtualNodes), Pretending.Script, time, new Random());
            parts.Push(nodes);
            pretenders = nodes.Loops;
        }

        // The operator is a client like any other.
        var connection = ClusterConnection.Load(new ClusterConnectionOptions(kubeconfig), time);
        var mpi = new OperatorProcess(OperatorOptions(options), new OperatorParts
        {
            Client = connection.CreateClient(KubeClientOptions.Default with { UserAgent = "kubempi-operator" }, time),
            Dialects = ManifestDialects.WithOldVersions(VersionConversion.Settings),
            Time = time,
            Loggers = options.Loggers,
            Identity = $"{Environment.MachineName}_{Guid.NewGuid()}",
        });
        parts.Push(mpi);

        // Last to start, and so the first to stop: nothing acts any more on what is being taken away.
        var loops = new LoopHost();
        parts.Push(loops);
        loops.Start([.. controllers.Loops, .. events.Loops, .. pretended.Loops, .. node.Loops, .. pretenders, .. mpi.Loops]);
        return new LocalCluster(parts, client, node, host, kubeconfig, FailureOf(loops, node, cancellation));
    }

    /// <summary>One operator alone needs no election, and nobody asks it for health or metrics.</summary>
    private static OperatorOptions OperatorOptions(LocalClusterOptions options) => new()
    {
        LeaderElection = false,
        HealthPort = 0,
        Planning = new Planning.PlanningOptions { ClusterDomain = options.ClusterDomain ?? "", Gate = new Planning.GateOptions { AgentImage = "kubempi-agent:local" } },
    };

    private static LinuxNodeOptions NodeOptions(LocalClusterOptions options, HostAgent agent)
    {
        var defaults = new LinuxNodeOptions { Name = NodeName, CacheFolder = options.Cache };
        var known = defaults.SystemFolders;
        return defaults with
        {
            ImageSearchPath = options.ImagePath,
            ProgramMounts = ImmutableDictionary<string, string>.Empty.Add("agent", agent.File),
            SystemFolders = known.AddRange(agent.Folders.Distinct().Where(f => !known.Any(k => f == k || f.StartsWith(k + "/", StringComparison.Ordinal)))),
            // Jobs written for a cluster ask for more than a laptop has; here they share what there is.
            Cpus = Math.Max(256, Environment.ProcessorCount),
            MemoryBytes = 1L << 42,
            PodPidsLimit = options.PodPidsLimit,
            ClusterDomain = options.ClusterDomain ?? defaults.ClusterDomain,
        };
    }

    private static KubeClient InProcessClient(KubeApiServer server, string name, TimeProvider time) =>
        new(new InProcessHandler(server), InProcessHandler.BaseAddress, KubeClientOptions.Default with { UserAgent = name, Timeout = Timeout.InfiniteTimeSpan }, time);

    private static async Task<string> FailureOf(LoopHost loops, LinuxNode node, CancellationToken cancellation)
    {
        var sandbox = node.SandboxEndedAsync(cancellation);
        return await Task.WhenAny(loops.Failure, sandbox) == sandbox
            ? $"the pods' sandbox ended: {await sandbox}"
            : $"{(await loops.Failure).Loop} failed: {(await loops.Failure).Cause}";
    }

    private static async ValueTask DisposeAllAsync(Stack<IAsyncDisposable> parts)
    {
        while (parts.TryPop(out var part)) await part.DisposeAsync();
    }

    private sealed class Disposal(Func<ValueTask> dispose) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => dispose();
    }
}
