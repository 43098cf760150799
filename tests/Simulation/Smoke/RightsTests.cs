using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Planning;

namespace Simulation;

/// <summary>
/// The operator's rights against its requests. That nothing is refused is checked in every simulation, since each operator
/// there has the rights of deploy/install.yaml alone; that nothing is granted in vain is checked here, by lives that need
/// each of them.
/// </summary>
public sealed class RightsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(20);

    /// <summary>One scheduler of each back end.</summary>
    private static readonly string[] Gangs = ["volcano", "kube-batch", "coscheduling", "kubernetes"];

    /// <summary>What is granted and never asked for, and why.</summary>
    private static readonly Dictionary<string, string> Unasked = new(StringComparer.Ordinal)
    {
        ["get pods/exec"] = "no request: nobody may grant in a Role what he may not do himself, and launchers over exec are granted this",
        ["create pods/exec"] = "as get",
        ["update mpijobs/finalizers.kubeflow.org"] = "no request: asked by the admission plugin OwnerReferencesPermissionEnforcement about children with blockOwnerDeletion",
    };

    [Fact]
    public async Task Every_right_of_the_manifests_is_needed_and_none_is_missing()
    {
        var asked = new HashSet<string>(StringComparer.Ordinal);
        foreach (var life in (Task<OperatorSeat>[])
            [ElectedAsync(), SuspendedAndResumedAsync(), RestartedAsync(), RepairedAsync(), SurroundedAsync(), RepeatedAsync(), ReachedByExecAsync(), .. Gangs.Select(GangedAsync)])
        {
            var seat = await life;
            Assert.Empty(seat.Forbidden);
            asked.UnionWith(seat.Asked.Select(static r => r.ToString()));
        }

        Assert.Empty(OperatorRights.Granted.All.Select(static r => r.ToString()).Except(asked).Except(Unasked.Keys));
        Assert.Empty(Unasked.Keys.Intersect(asked));
    }

    [Fact]
    public void A_right_holds_for_its_own_namespace_and_names_only()
    {
        var rights = OperatorRights.Granted;
        Assert.True(rights.Allow(new ApiRequest(1, "update", "leases", "mpi-operator", "mpi-operator") { Group = "coordination.k8s.io" }));
        Assert.False(rights.Allow(new ApiRequest(1, "update", "leases", "mpi-operator", "other") { Group = "coordination.k8s.io" }));
        Assert.False(rights.Allow(new ApiRequest(1, "update", "leases", "default", "mpi-operator") { Group = "coordination.k8s.io" }));
        Assert.False(rights.Allow(new ApiRequest(1, "get", "secrets", "default", "pi-ssh")));
        Assert.False(rights.Allow(new ApiRequest(1, "get", "pods/log", "default", "pi-launcher")));
    }

    [Fact]
    public async Task The_workers_of_old_versions_take_each_right_to_StatefulSets_that_profile_legacy_grants_and_no_other()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(39) { Launcher = PodScript.RunsForever, Dialects = [new KubeflowV2Beta1Dialect(ConversionSettings.Default)], AlsoGranted = Kinds.StatefulSet });
        // A name that is taken is looked at.
        var taken = A.Object(Kinds.StatefulSet, "taken-worker").Tree;
        taken["spec"] = JsonNode.Parse("""{"replicas": 0, "serviceName": "x", "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "x", "image": "x"}]}}}""");
        world.Create(taken, Kinds.StatefulSet);
        world.Observer.Look("test");
        world.Create(Old("taken"), MpiJobs.Kind);
        world.Create(Old("pi"), MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Running"), Patience, "the job's start");
        await SpecAsync(world, """{"runPolicy": {"suspend": true}}""");
        world.RunUntil(() => Has(world, "Suspended") && !world.Observer.Pods("default", "pi", "worker").Any(), Patience, "the suspension");
        // Another template while suspended: the set is made anew.
        await SpecAsync(world, """{"runPolicy": {"suspend": false}, "mpiReplicaSpecs": {"Worker": {"template": {"spec": {"containers": [{"name": "main", "image": "example/newer"}]}}}}}""");
        world.RunUntil(() => Images(world).Contains("example/newer"), Patience, "the set with the new template");

        var granted = GrantedRights.Read(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "legacy-rights.yaml"), TestContext.Current.CancellationToken), "mpi-operator");
        Assert.Equal(OfStatefulSets(granted.All), OfStatefulSets(world.Operator.Asked));
        Assert.Empty(world.Operator.Forbidden);

        static IEnumerable<string?> Images(SimulatedCluster world) => SimulatedCluster.Now(world.Admin.ListAsync(Kinds.StatefulSet, "default", new ListOptions(), CancellationToken.None)).Items
            .Select(static set => set.Root.Items("spec", "template", "spec", "containers").First().Text("image"));

        static IEnumerable<string> OfStatefulSets(IEnumerable<Right> rights) => rights.Where(static r => r.Resource == Kinds.StatefulSet.Plural).Select(static r => r.Verb).Order(StringComparer.Ordinal);

        static JsonObject Old(string name)
        {
            var job = MpiJobs.Job(name);
            job["metadata"]!["annotations"] = new JsonObject { [KubeMpiAnnotations.Origin] = "v1alpha2" };
            return job;
        }
    }

    private static async Task<OperatorSeat> ElectedAsync()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(31) { LeaderElection = true });
        var job = MpiJobs.Job("pi");
        job["metadata"]!["annotations"] = new JsonObject { [Mpi.Dialects.KubeMpiAnnotations.JobTtl] = "60" };
        world.Create(job, MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Succeeded"), Patience, "the job's end");
        world.RunUntil(() => world.Find(MpiJobs.Kind, "pi") is null, Patience, "its lifetime's end");
        return world.Operator;
    }

    private static async Task<OperatorSeat> SuspendedAndResumedAsync()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(32));
        world.Create(MpiJobs.Job("pi"), MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Running"), Patience, "the job's start");
        await SpecAsync(world, """{"runPolicy": {"suspend": true}}""");
        world.RunUntil(() => Has(world, "Suspended") && !world.Observer.Pods("default", "pi", "worker").Any(), Patience, "the suspension");
        await SpecAsync(world, """{"runPolicy": {"suspend": false}}""");
        RunToItsEnd(world);
        return world.Operator;
    }

    private static async Task<OperatorSeat> RestartedAsync()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(33));
        world.Create(MpiJobs.Job("pi"), MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Running"), Patience, "the job's start");
        await world.Admin.DeleteAsync(Kinds.Pod, "default", "pi-worker-1", new DeleteOptions(GracePeriod: TimeSpan.Zero), CancellationToken.None);
        RunToItsEnd(world);
        return world.Operator;
    }

    /// <summary>What others change of a job's Service is put right; another count reaches the list of hosts and the workers; a launcher that vanished is asked for.</summary>
    private static async Task<OperatorSeat> RepairedAsync()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(34) { Launcher = PodScript.RunsForever });
        world.Create(MpiJobs.Job("pi"), MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Running"), Patience, "the job's start");
        await world.Admin.PatchAsync(Kinds.Service, "default", "pi", Patch.Merge((JsonObject)JsonNode.Parse("""{"spec": {"publishNotReadyAddresses": false}}""")!), null, CancellationToken.None);
        world.Observer.Look("test");
        world.RunUntil(() => world.Find(Kinds.Service, "pi")!.Root.Flag("spec", "publishNotReadyAddresses") == true, Patience, "the Service's repair");
        await SpecAsync(world, """{"mpiReplicaSpecs": {"Worker": {"replicas": 3}}}""");
        world.RunUntil(() => world.Find(Kinds.Pod, "pi-worker-2") is not null, Patience, "the third worker");
        await SpecAsync(world, """{"mpiReplicaSpecs": {"Worker": {"replicas": 2}}}""");
        world.RunUntil(() => world.Find(Kinds.Pod, "pi-worker-2") is null, Patience, "its end");
        await world.Admin.DeleteAsync(Kinds.Job, "default", "pi-launcher", new DeleteOptions(Propagation: "Background"), CancellationToken.None);
        world.RunUntil(() => Has(world, "Failed"), Patience, "the end of a job whose launcher somebody deleted");
        return world.Operator;
    }

    /// <summary>Names that are taken are looked at, where that is allowed, and never touched.</summary>
    private static async Task<OperatorSeat> SurroundedAsync()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(35));
        foreach (var taken in (ObjectBuilder[])[A.Service("pi", ("a", "b")).Port(80), A.Pod("pi-worker-1"), A.Object(Kinds.Secret, "pi-ssh"), A.ConfigMap("pi-config")])
        {
            world.Create(taken.Tree, taken.Kind);
        }

        world.Observer.Look("test");
        world.Create(MpiJobs.Job("pi"), MpiJobs.Kind);
        world.RunFor(TimeSpan.FromMinutes(1));
        return world.Operator;
    }

    /// <summary>News that comes again raises the count of its Event.</summary>
    private static async Task<OperatorSeat> RepeatedAsync()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(36) { Launcher = PodScript.RunsForever });
        world.Create(MpiJobs.Job("pi"), MpiJobs.Kind);
        for (var round = 0; round < 2; round++)
        {
            world.RunUntil(() => Has(world, "Running"), Patience, "the job's start");
            await SpecAsync(world, """{"runPolicy": {"suspend": true}}""");
            world.RunUntil(() => Has(world, "Suspended"), Patience, "the suspension");
            await SpecAsync(world, """{"runPolicy": {"suspend": false}}""");
        }

        world.RunUntil(() => Has(world, "Running"), Patience, "the job's last start");
        return world.Operator;
    }

    /// <summary>A launcher over exec gets what it needs for as many workers as there are; names that are taken are looked at.</summary>
    private static async Task<OperatorSeat> ReachedByExecAsync()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(38) { Launcher = PodScript.RunsForever });
        foreach (var kind in (ResourceKind[])[Kinds.ServiceAccount, Kinds.Role, Kinds.RoleBinding])
        {
            var taken = A.Object(kind, $"taken-{kind.Plural}-launcher").Tree;
            if (kind == Kinds.RoleBinding) taken["roleRef"] = new JsonObject { ["apiGroup"] = Kinds.Role.Group, ["kind"] = Kinds.Role.Kind, ["name"] = "view" };
            world.Create(taken, kind);
            world.Create(MpiJobs.OverExec(MpiJobs.Job($"taken-{kind.Plural}")), MpiJobs.Kind);
        }

        world.Create(MpiJobs.OverExec(MpiJobs.Job("pi")), MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Running"), Patience, "the job's start");
        await SpecAsync(world, """{"mpiReplicaSpecs": {"Worker": {"replicas": 3}}}""");
        world.RunUntil(() => SimulatedCluster.Now(world.Admin.GetAsync(Kinds.Role, "default", "pi-launcher", CancellationToken.None)).Root.Items("rules").Single().Words("resourceNames").Contains("pi-worker-2"), Patience, "the third worker's name in the Role");
        return world.Operator;
    }

    /// <summary>A gang is made, follows an edit, goes with a suspension; another job's group is there already and somebody else's.</summary>
    private static async Task<OperatorSeat> GangedAsync(string scheduler)
    {
        await using var world = new SimulatedCluster(new SimulationOptions(37) { Planning = new PlanningOptions { GangScheduler = scheduler } });
        var kinds = GangBackend.Named(scheduler)!.Kinds.DistinctBy(static k => k.Kind).ToList();
        foreach (var kind in kinds)
        {
            world.Create(Definition(kind), Kinds.CustomResourceDefinition);
            world.Create(A.Object(kind, $"taken-{kind.Plural}").Tree, kind);
            world.Create(MpiJobs.Job($"taken-{kind.Plural}"), MpiJobs.Kind);
        }

        var job = MpiJobs.Job("pi");
        job["spec"]!["mpiReplicaSpecs"]!["Worker"]!["template"]!["spec"]!["priorityClassName"] = "system-cluster-critical";
        world.Create(job, MpiJobs.Kind);
        world.RunUntil(() => Groups(world, kinds) == kinds.Count, Patience, "the gang");
        await SpecAsync(world, """{"runPolicy": {"schedulingPolicy": {"minAvailable": 1}}}""");
        world.RunFor(TimeSpan.FromMinutes(1));
        await SpecAsync(world, """{"runPolicy": {"suspend": true}}""");
        world.RunUntil(() => Groups(world, kinds) == 0, Patience, "the gang's end");
        return world.Operator;
    }

    private static int Groups(SimulatedCluster world, IEnumerable<ResourceKind> kinds) =>
        kinds.Sum(kind => SimulatedCluster.Now(world.Admin.ListAsync(kind, "default", new ListOptions(), CancellationToken.None)).Items.Count(static o => o.Meta.Controller?.Name == "pi"));

    private static JsonObject Definition(ResourceKind kind) => new()
    {
        ["apiVersion"] = "apiextensions.k8s.io/v1",
        ["kind"] = "CustomResourceDefinition",
        ["metadata"] = new JsonObject { ["name"] = $"{kind.Plural}.{kind.Group}" },
        ["spec"] = new JsonObject
        {
            ["group"] = kind.Group,
            ["scope"] = "Namespaced",
            ["names"] = new JsonObject { ["kind"] = kind.Kind, ["plural"] = kind.Plural },
            ["versions"] = new JsonArray((JsonNode)new JsonObject
            {
                ["name"] = kind.Version,
                ["served"] = true,
                ["storage"] = true,
                ["schema"] = new JsonObject { ["openAPIV3Schema"] = new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true } },
            }),
        },
    };

    private static bool Has(SimulatedCluster world, string condition) => world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, condition);

    private static void RunToItsEnd(SimulatedCluster world)
    {
        world.RunUntil(() => Has(world, "Succeeded") && !world.Observer.Pods("default", "pi", "worker").Any(), Patience, "the job's end");
        world.RunFor(TimeSpan.FromMinutes(2));
    }

    private static async Task SpecAsync(SimulatedCluster world, string spec)
    {
        await world.Admin.PatchAsync(MpiJobs.Kind, "default", "pi", Patch.Merge(new JsonObject { ["spec"] = JsonNode.Parse(spec) }), null, CancellationToken.None);
        world.Observer.Look("test");
    }
}
