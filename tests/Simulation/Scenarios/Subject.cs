using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Model;
using Mpi.Planning;

namespace Simulation;

/// <summary>A scenario's job in the words of its dialect: how it is written, suspended and scaled, and what its cluster must have.</summary>
internal abstract class Subject
{
    public const string Name = "pi";

    private static readonly ImmutableArray<Subject> Known = [new Kubeflow(), new Metacontroller(), new KubeBatch()];

    /// <summary>One for each registered dialect: a dialect that nobody here can write would go unproven.</summary>
    public static ImmutableArray<Subject> All { get; } = [.. ManifestDialects.All.Select(static dialect =>
        Known.SingleOrDefault(s => s.Kind == dialect.Kind) is { } subject ? subject.Of(dialect) : throw new InvalidOperationException($"no scenario can write a job of {dialect.Kind}; give it a Subject"))];

    public abstract ResourceKind Kind { get; }

    /// <summary>As it is registered, or as it is where old versions are served.</summary>
    public virtual IDialect DialectOf(Scenario scenario) => Registered;

    protected IDialect Registered { get; private set; } = null!;

    public abstract ImmutableArray<string> Transports { get; }

    /// <summary>The versions that jobs may say they were written in; null for none.</summary>
    public virtual ImmutableArray<string?> Origins => [null];

    /// <summary>Whether a job may be active for so long and no longer.</summary>
    public virtual bool HasDeadlines => true;

    public virtual GrantedRights Rights(Scenario scenario) => OperatorRights.Granted;

    /// <summary>Definitions besides kubeflow's.</summary>
    public virtual IEnumerable<JsonObject> Definitions(Scenario scenario) => [];

    /// <summary>The groups of the gang scheduler that the cluster has.</summary>
    public virtual IEnumerable<ResourceKind> Groups(Scenario scenario) => [];

    public virtual PlanningOptions Planning(Scenario scenario) => new();

    public JsonObject Manifest(Scenario scenario)
    {
        var job = Write(scenario);
        var annotations = job.Object("metadata").Object("annotations");
        if (scenario.Transport is { } transport) annotations[KubeMpiAnnotations.Transport] = transport;
        if (scenario.Elastic) annotations[KubeMpiAnnotations.OnWorkerLoss] = "replace";
        if (scenario.Origin is { } origin) annotations[KubeMpiAnnotations.Origin] = origin;
        return job;
    }

    /// <summary>A merge patch; null where the dialect knows no suspension.</summary>
    public virtual JsonObject? Suspension(bool suspend) => null;

    /// <summary>A merge patch.</summary>
    public abstract JsonObject Scaling(int workers);

    protected abstract JsonObject Write(Scenario scenario);

    private Subject Of(IDialect dialect)
    {
        Registered = dialect;
        return this;
    }

    private static JsonObject Parse(string json) => (JsonObject)JsonNode.Parse(json)!;

    private sealed class Kubeflow : Subject
    {
        public override ResourceKind Kind => KubeflowV2Beta1Dialect.MpiJob;
        private static readonly IDialect OldVersions = ManifestDialects.WithOldVersions(ConversionSettings.Default).Single(static d => d.Kind == KubeflowV2Beta1Dialect.MpiJob);

        public override ImmutableArray<string> Transports => ["ssh", "agent", "exec"];
        public override ImmutableArray<string?> Origins => [null, null, null, "v1", "v1alpha2", "v1alpha1"];

        public override IDialect DialectOf(Scenario scenario) => scenario.Origin is null ? Registered : OldVersions;

        public override GrantedRights Rights(Scenario scenario) => scenario.Origin is null ? OperatorRights.Granted : OperatorRights.WithOldVersions;

        public override IEnumerable<JsonObject> Definitions(Scenario scenario) => scenario.Gang ? [GangWorld.Definition()] : [];

        public override IEnumerable<ResourceKind> Groups(Scenario scenario) => scenario.Gang ? [GangWorld.PodGroup] : [];

        public override PlanningOptions Planning(Scenario scenario) => scenario.Gang ? GangWorld.Options.Planning : new PlanningOptions();

        public override JsonObject Suspension(bool suspend) => new() { ["spec"] = new JsonObject { ["runPolicy"] = new JsonObject { ["suspend"] = suspend } } };

        public override JsonObject Scaling(int workers) => new() { ["spec"] = new JsonObject { ["mpiReplicaSpecs"] = new JsonObject { ["Worker"] = new JsonObject { ["replicas"] = workers } } } };

        protected override JsonObject Write(Scenario scenario)
        {
            var job = MpiJobs.Job(Name, scenario.Workers, scenario.Cleanup.ToString());
            var spec = (JsonObject)job["spec"]!;
            if (scenario.BackoffLimit is { } limit) spec["runPolicy"]!["backoffLimit"] = limit;
            if (scenario.Deadline is { } deadline) spec["runPolicy"]!["activeDeadlineSeconds"] = deadline;
            if (scenario.Ttl is { } ttl) spec["runPolicy"]!["ttlSecondsAfterFinished"] = ttl;
            if (scenario.WaitsForWorkers) spec["launcherCreationPolicy"] = "WaitForWorkersReady";
            if (scenario.RunsRanks) spec["runLauncherAsWorker"] = true;
            spec["mpiReplicaSpecs"]!["Launcher"]!["restartPolicy"] = scenario.RestartsInPlace ? "OnFailure" : "Never";
            spec["mpiReplicaSpecs"]!["Worker"]!["restartPolicy"] = scenario.RestartsInPlace ? "OnFailure" : "Never";
            return job;
        }
    }

    private sealed class Metacontroller : Subject
    {
        public override ResourceKind Kind => MetacontrollerDialect.MpiJob;
        public override ImmutableArray<string> Transports => ["agent", "exec"];
        public override bool HasDeadlines => false;
        public override GrantedRights Rights(Scenario scenario) => OperatorRights.WithMetacontroller;

        public override IEnumerable<JsonObject> Definitions(Scenario scenario) => [Yaml.Read(CustomResources.Read("metacontroller/mpijobs.yaml"))[0].Root];

        public override JsonObject Scaling(int workers) => new() { ["spec"] = new JsonObject { ["replicas"] = workers } };

        protected override JsonObject Write(Scenario scenario)
        {
            var job = Parse("""{"apiVersion": "skatelescope.org/v1", "kind": "MPIJob", "metadata": {"name": "pi", "namespace": "default"}, "spec": {"template": {"spec": {"containers": [{"name": "hello", "image": "example/openmpi:4", "command": ["mpiexec"], "args": ["hostname"]}]}}}}""");
            job["spec"]!["replicas"] = scenario.Workers;
            job.Object("metadata").Object("annotations")[KubeMpiAnnotations.CleanPodPolicy] = scenario.Cleanup.ToString();
            return job;
        }
    }

    private sealed class KubeBatch : Subject
    {
        public override ResourceKind Kind => KubeBatchDialect.Mpi;
        public override ImmutableArray<string> Transports => ["agent"];
        public override GrantedRights Rights(Scenario scenario) => OperatorRights.WithKubeBatch;

        public override IEnumerable<JsonObject> Definitions(Scenario scenario) => [Yaml.Read(CustomResources.Read("kube-batch/mpis.yaml"))[0].Root, KubeBatchWorld.Definition(KubeBatchWorld.PodGroup)];

        public override IEnumerable<ResourceKind> Groups(Scenario scenario) => [KubeBatchWorld.PodGroup];

        public override JsonObject Suspension(bool suspend) => new() { ["spec"] = new JsonObject { ["job"] = new JsonObject { ["suspend"] = suspend } } };

        public override JsonObject Scaling(int workers) => new() { ["spec"] = new JsonObject { ["job"] = new JsonObject { ["parallelism"] = workers + 1 } } };

        protected override JsonObject Write(Scenario scenario)
        {
            var job = Parse("""{"apiVersion": "scheduling.incubator.k8s.io/v1alpha1", "kind": "MPI", "metadata": {"name": "pi", "namespace": "default"}, "spec": {"job": {"template": {"spec": {"containers": [{"name": "mpi", "image": "example/mpich", "command": ["mpirun"], "args": ["./ring"]}]}}}}}""");
            job["spec"]!["job"]!["parallelism"] = scenario.Workers + 1;
            if (scenario.BackoffLimit is { } limit) job["spec"]!["job"]!["backoffLimit"] = limit;
            if (scenario.Deadline is { } deadline) job["spec"]!["job"]!["activeDeadlineSeconds"] = deadline;
            return job;
        }
    }
}
