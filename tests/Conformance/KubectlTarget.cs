using System.Collections.Frozen;
using Kube.ApiServer;
using Kube.Client;
using Kube.Controllers;
using Mpi.LocalCluster;

namespace Conformance;

/// <summary>An API server that a session is played against (as <see cref="Target"/>), as kubectl sees it: a kubeconfig.</summary>
internal abstract class KubectlTarget : IAsyncDisposable
{
    public abstract string Kubeconfig { get; }

    public static async Task<KubectlTarget> OpenAsync(string name) => name switch
    {
        "local" => await LocalTarget.StartAsync(),
        _ => new RealTarget(Environment.GetEnvironmentVariable(Target.Variable)!),
    };

    public abstract ValueTask DisposeAsync();

    private sealed class RealTarget(string kubeconfig) : KubectlTarget
    {
        public override string Kubeconfig => kubeconfig;

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>
    /// The local cluster's API server over TLS with its controllers, and neither nodes, nor scheduler, nor what cares for nodes and volumes: as
    /// the control plane that it is compared with. Nothing takes a pod away there because its node does not exist, nor taints a node without a
    /// kubelet, nor finds a volume for a claim.
    /// </summary>
    private sealed class LocalTarget : KubectlTarget
    {
        private static readonly FrozenSet<string> Absent = ["controller/scheduler", "controller/pod-collector", "controller/node-lifecycle", "controller/taint-eviction", "controller/volume-claims"];

        private readonly string _folder = Directory.CreateTempSubdirectory("kubempi-conformance-").FullName;
        private readonly KubeApiServer _server = new(new ApiServerOptions());
        private readonly LoopHost _loops = new();
        private ApiServerHost? _host;
        private ControllerSet? _controllers;

        public override string Kubeconfig => Path.Combine(_folder, "kubeconfig");

        public static async Task<LocalTarget> StartAsync()
        {
            var target = new LocalTarget();
            target._host = await ApiServerHost.StartAsync(target._server, Guid.NewGuid().ToString("N"), TimeProvider.System, 0, CancellationToken.None);
            target._host.WriteKubeconfig(target.Kubeconfig);
            var client = new KubeClient(new InProcessHandler(target._server), InProcessHandler.BaseAddress, KubeClientOptions.Default, TimeProvider.System);
            target._controllers = new ControllerSet(client, new ControllerOptions(), TimeProvider.System, new Random());
            target._loops.Start(target._controllers.Loops.Where(static loop => !Absent.Contains(loop.Name)));
            return target;
        }

        public override async ValueTask DisposeAsync()
        {
            await _loops.DisposeAsync();
            if (_controllers is not null) await _controllers.DisposeAsync();
            if (_host is not null) await _host.DisposeAsync();
            _server.Dispose();
            Directory.Delete(_folder, recursive: true);
        }
    }
}
