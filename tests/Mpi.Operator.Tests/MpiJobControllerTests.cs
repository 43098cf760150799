using System.Collections.Immutable;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
using Microsoft.Extensions.Logging.Abstractions;
using Mpi.Dialects;
using Mpi.Planning;
using PodView = Mpi.Planning.PodView;

namespace Mpi.Operator.Tests;

public sealed class MpiJobControllerTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("default", "")]
    [InlineData("", "pi")]
    [InlineData("default", "gone")]
    public async Task A_key_that_names_no_job_is_done_with_no_request(string ns, string name)
    {
        var (kube, time) = (new ScriptedKube(), new VirtualClock());
        using var metrics = new OperatorMetrics(static () => true);
        var applier = new PlanApplier(
            kube, new FreshKeySource(), new EventRecorder(kube, time, new Random(1), NullLogger.Instance), metrics, KubeflowV2Beta1Dialect.MpiJob, 16, NullLogger.Instance);
        var controller = new MpiJobController(new EmptyWorld(), kube, new KubeflowV2Beta1Dialect(), Planner.Decide, applier, metrics, new PlanningOptions(), time, NullLogger.Instance);

        Assert.Equal(Outcome.Done, await controller.ReconcileAsync(new ObjectKey(ns, name), CancellationToken.None));

        Assert.Empty(kube.Calls);
    }

    private sealed class EmptyWorld : IWorldView
    {
        public ImmutableHashSet<ResourceKind> GangKinds => [];
        public KubeObject? Job(ObjectKey key) => null;
        public ServiceView? Service(ObjectKey key) => null;
        public LauncherView? Launcher(ObjectKey key) => null;
        public StatefulSetView? WorkerSet(ObjectKey key) => null;
        public IReadOnlyList<PodView> Pods(ObjectKey job) => [];
        public PodView? FailedPod(string launcherUid) => null;
        public IEnumerable<GangObjectView> GangObjects(ObjectKey job) => [];
        public bool Watches(ResourceKind kind) => true;
        public string? SeenUpTo(ResourceKind kind) => null;

        public void Distrust(ResourceKind? kind) => throw new InvalidOperationException("there is nothing to distrust");
    }
}
