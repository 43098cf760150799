using Kube.Client;
using Kube.Testing;
using Kube.Types;

namespace Simulation;

/// <summary>What belongs to nobody, or to somebody else, is never touched, whatever it is called.</summary>
public sealed class StrangerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(20);

    [Fact]
    public async Task Objects_that_only_look_like_a_jobs_own_outlive_it_unchanged()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(11));
        Place(world, Looks(A.ConfigMap("pi-other")));
        Place(world, Looks(A.Service("pi-other", ("a", "b")).Port(80)));
        Place(world, Looks(A.Object(Kinds.Secret, "pi-other")));
        Place(world, Looks(A.Pod("pi-worker-stray")));
        world.Create(MpiJobs.Job("pi", cleanPodPolicy: "All"), MpiJobs.Kind);
        world.RunUntil(() => world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, "Succeeded") && world.Find(Kinds.Pod, "pi-worker-0") is null, Patience, "the job's end");
        world.RunFor(TimeSpan.FromMinutes(5));
        Assert.NotNull(world.Find(Kinds.Pod, "pi-worker-stray"));
    }

    [Theory]
    [InlineData("Secret", "pi-ssh")]
    [InlineData("ConfigMap", "pi-config")]
    [InlineData("Service", "pi")]
    [InlineData("Pod", "pi-worker-1")]
    public async Task A_name_that_is_taken_is_said_once_waited_for_without_writing_and_used_when_it_is_free(string kindName, string name)
    {
        var kind = new[] { Kinds.Secret, Kinds.ConfigMap, Kinds.Service, Kinds.Pod }.Single(k => k.Kind == kindName);
        await using var world = new SimulatedCluster(new SimulationOptions(12));
        Place(world, kind == Kinds.Pod ? A.Pod(name) : kind == Kinds.Service ? A.Service(name, ("a", "b")).Port(80) : A.Object(kind, name));
        world.Create(MpiJobs.Job("pi"), MpiJobs.Kind);
        world.RunFor(TimeSpan.FromMinutes(2));
        Assert.Contains(await EventsAsync(world), static e => e.Root.Text("reason") == "ErrResourceExists");

        // Blocked is a state of rest. Its questions about Secret and ConfigMap have the form of a patch and change nothing.
        var changes = world.Observer.Changes;
        var writes = world.Operator.Writes;
        world.RunFor(TimeSpan.FromMinutes(10));
        Assert.Equal(changes, world.Observer.Changes);
        Assert.DoesNotContain(world.Operator.WritesSeen.Skip(writes), w => !w.Contains($"patch {kind.Plural} default/{name}", StringComparison.Ordinal));

        await world.Admin.DeleteAsync(kind, "default", name, new DeleteOptions(GracePeriod: TimeSpan.Zero), CancellationToken.None);
        world.Observer.Expect(kind, new ObjectKey("default", name));
        world.RunUntil(() => world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, "Succeeded"), Patience, "the job's end after the name was free");
        Assert.Single(await EventsAsync(world), static e => e.Root.Text("reason") == "ErrResourceExists");
    }

    private static async Task<IReadOnlyList<KubeObject>> EventsAsync(SimulatedCluster world) =>
        (await world.Admin.ListAsync(Kinds.Event, "default", new ListOptions(), CancellationToken.None)).Items;

    private static ObjectBuilder Looks(ObjectBuilder builder) => builder
        .Label("app", "pi")
        .Label("training.kubeflow.org/operator-name", "mpi-operator")
        .Label("training.kubeflow.org/job-name", "pi")
        .Label("training.kubeflow.org/job-role", "worker")
        .Label("training.kubeflow.org/replica-index", "9");

    private static void Place(SimulatedCluster world, ObjectBuilder builder)
    {
        world.Create(builder.Tree, builder.Kind);
        world.Observer.Look("test");
    }
}
