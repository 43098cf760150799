using System.Collections.Concurrent;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Operator;

namespace Conformance;

/// <summary>
/// One job from creation to collection under two operators, one after the other, on every server: its requests are counted,
/// and none of them is refused to the service account that deploy/install.yaml makes.
/// </summary>
[Collection(OperatorCollection.Name)]
public sealed class TakeoverTests
{
    private const int Workers = 2;

    public static TheoryData<string> Targets => Target.All;

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_job_is_brought_up_taken_over_by_the_next_operator_ended_and_collected(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name);
        var traffic = new Traffic(ground.Namespace);

        // The first operator brings everything up, and says that the job runs when its pods do.
        KubeObject launcher;
        await using (Operator.Start(ground, traffic, "first"))
        {
            await ground.CreateJobAsync();
            await ground.RunWorkersAsync(Workers);
            launcher = await ground.RunLauncherAsync();
            await ground.UntilConditionAsync("Running");
        }

        Assert.Equal(["pi"], await ground.NamesAsync(Kinds.Service));
        Assert.Contains("pi-config", await ground.NamesAsync(Kinds.ConfigMap));
        Assert.Equal(["pi-ssh"], (await ground.NamesAsync(Kinds.Secret)).Where(static n => n.StartsWith("pi", StringComparison.Ordinal)));
        Assert.Equal(["pi-launcher"], await ground.NamesAsync(Kinds.Job));

        // The next one takes over without a second launcher or a repeated event, records the end and cleans up.
        await using (Operator.Start(ground, traffic, "second"))
        {
            await ground.SetPhaseAsync(launcher, "Succeeded");
            await ground.UntilConditionAsync("Succeeded");
            await ground.UntilAsync("workers gone", async () => (await ground.PodsAsync("worker")).Count == 0);
        }

        Assert.Equal(launcher.Meta.Uid, Assert.Single(await ground.PodsAsync("launcher")).Meta.Uid);
        var status = (await ground.JobAsync()).Root.At("status");
        Assert.False(Conditions.IsTrue(status, "Running"));
        Assert.NotNull(status.Text("completionTime"));
        Assert.Equal(["MPIJobCreated", "MPIJobRunning", "MPIJobSucceeded"], await ground.SaidAsync());
        Assert.All(await ground.EventsAsync(), static e => Assert.Equal(1, e.Root.Integer("count")));

        // Every right that it needed was among those it was given; the takeover asked about ConfigMap and Secret once each.
        Assert.Empty(traffic.Refused);
        Assert.True(traffic.Writes.Count <= Workers + 12 + 2, string.Join("\n", traffic.Writes));

        // Nothing of ours holds up a deletion, and the garbage collector finds every child.
        await ground.Admin.DeleteAsync(MpiJobGround.MpiJob, ground.Namespace, "pi", new DeleteOptions(), Token);
        await ground.UntilAsync("everything collected", async () =>
            (await ground.NamesAsync(Kinds.Service)).Count == 0 && (await ground.NamesAsync(Kinds.Job)).Count == 0
            && !(await ground.NamesAsync(Kinds.ConfigMap)).Contains("pi-config") && !(await ground.NamesAsync(Kinds.Secret)).Contains("pi-ssh"));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What the operators sent, elections not counted. A server that other tests used may still have jobs of theirs, in namespaces that are on their way out.</summary>
    private sealed class Traffic(string ns)
    {
        public ConcurrentQueue<string> Writes { get; } = new();
        public ConcurrentQueue<string> Refused { get; } = new();

        public bool Counts(string path) => !path.Contains("/namespaces/", StringComparison.Ordinal) || path.Contains($"/namespaces/{ns}/", StringComparison.Ordinal);
    }

    /// <summary>Sends as the operator's service account and counts. An administrator may impersonate it, and then has its rights alone.</summary>
    private sealed class AsServiceAccount(HttpMessageHandler inner, Traffic traffic) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Add("Impersonate-User", "system:serviceaccount:mpi-operator:mpi-operator");
            request.Headers.Add("Impersonate-Group", ["system:serviceaccounts", "system:serviceaccounts:mpi-operator", "system:authenticated"]);
            var path = request.RequestUri!.AbsolutePath;
            if (!traffic.Counts(path)) return await base.SendAsync(request, cancellationToken);
            var what = $"{request.Method} {path}";
            if (request.Method != HttpMethod.Get && !what.Contains("/leases", StringComparison.Ordinal)) traffic.Writes.Enqueue(what);
            var response = await base.SendAsync(request, cancellationToken);
            if ((int)response.StatusCode is 401 or 403) traffic.Refused.Enqueue(what);
            return response;
        }
    }

    /// <summary>An operator that runs until it is disposed, which gives its lease back.</summary>
    private sealed class Operator : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly KubeClient _client;
        private readonly OperatorProcess _process;
        private readonly Task<OperatorExit> _run;

        private Operator(KubeClient client, string identity)
        {
            _client = client;
            _process = new OperatorProcess(new OperatorOptions(), new OperatorParts { Client = client, Dialects = [new KubeflowV2Beta1Dialect()], Identity = identity });
            _run = OperatorHost.RunAsync(_process, TimeProvider.System, _stop.Token);
        }

        public static Operator Start(MpiJobGround ground, Traffic traffic, string identity) => new(ground.Target.OpenClient(inner => new AsServiceAccount(inner, traffic)), identity);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            Assert.Equal(OperatorExit.Stopped, await _run);
            await _process.DisposeAsync();
            _client.Dispose();
            _stop.Dispose();
        }
    }
}
