using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Testing;
using Kube.Types;

namespace Simulation;

/// <summary>
/// Does to a job what Kueue's adapter for MPIJobs does, and reads of it what that reads (spec 2.9): the fields, the order and the
/// number of its updates are Kueue's.
/// </summary>
internal sealed class ActingKueue(SimulatedCluster world, string name)
{
    /// <summary>Both pod sets, in Kueue's order.</summary>
    private static readonly ImmutableArray<string> Roles = ["Launcher", "Worker"];

    private JsonObject? _templatesAsSubmitted;

    /// <summary>Its webhook suspends what comes with a queue's name.</summary>
    public void Submit(JsonObject job)
    {
        job.Object("metadata").Object("labels")["kueue.x-k8s.io/queue-name"] = "user-queue";
        RunPolicy(job)["suspend"] = true;
        _templatesAsSubmitted = (JsonObject)job["spec"]!["mpiReplicaSpecs"]!.DeepClone();
        world.Create(job, MpiJobs.Kind);
        world.Observer.Look("kueue");
    }

    /// <summary>The workload is admitted: what its flavour asks for is merged into both templates and the job is started, in one update.</summary>
    public void Admit(string flavour, bool topologyGate = false) => Update(job =>
    {
        RunPolicy(job)["suspend"] = false;
        foreach (var role in Roles)
        {
            var template = (JsonObject)job["spec"]!["mpiReplicaSpecs"]![role]!["template"]!;
            template.Object("metadata").Object("labels")["kueue.x-k8s.io/podset"] = role.ToLowerInvariant();
            template.Object("metadata").Object("annotations")["kueue.x-k8s.io/workload"] = $"mpijob-{name}";
            template.Object("spec").Object("nodeSelector")["flavour"] = flavour;
            template.Object("spec").Array("tolerations").Add((JsonNode)new JsonObject { ["key"] = "flavour", ["operator"] = "Equal", ["value"] = flavour, ["effect"] = "NoSchedule" });
            if (topologyGate) template.Object("spec").Array("schedulingGates").Add((JsonNode)new JsonObject { ["name"] = "kueue.x-k8s.io/topology" });
        }
    });

    /// <summary>The workload lost its place: the job is stopped and its templates are what they were, in one update.</summary>
    public void Evict() => Update(job =>
    {
        RunPolicy(job)["suspend"] = true;
        job["spec"]!["mpiReplicaSpecs"] = _templatesAsSubmitted!.DeepClone();
    });

    /// <summary>The topology ungater: each pod is told its place and let go.</summary>
    public void Ungate(string host)
    {
        foreach (var pod in Pods.Where(static p => p.Root.Has("spec", "schedulingGates")))
        {
            SimulatedCluster.Now(world.Admin.PatchAsync(
                Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name,
                Patch.Merge(new JsonObject { ["spec"] = new JsonObject { ["schedulingGates"] = null, ["nodeSelector"] = new JsonObject { ["kubernetes.io/hostname"] = host } } }), null, CancellationToken.None));
        }
    }

    public KubeObject Job => world.Find(MpiJobs.Kind, name)!;

    /// <summary>Quota is given back when nothing of an evicted job is active any more.</summary>
    public bool IsActive => Job.Root.Members("status", "replicaStatuses").Any(static r => r.Value.Integer("active") is > 0);

    public bool PodsReady => MpiJobs.Has(Job, "Running");

    /// <summary>The message of the end; null while there is none.</summary>
    public string? Finished => new[] { "Succeeded", "Failed" }.Where(type => MpiJobs.Has(Job, type)).Select(type => Conditions.Find(Job.Root.At("status"), type)!.Message).SingleOrDefault();

    /// <summary>By the labels that Kueue selects.</summary>
    public IEnumerable<KubeObject> Pods => SimulatedCluster.Now(world.Admin.ListAsync(
        Kinds.Pod, "default", new ListOptions($"training.kubeflow.org/job-name={name},training.kubeflow.org/operator-name=mpi-operator"), CancellationToken.None)).Items;

    private static JsonObject RunPolicy(JsonObject job) => job.Object("spec").Object("runPolicy");

    private void Update(Action<JsonObject> change)
    {
        var tree = SimulatedCluster.Now(world.Admin.GetAsync(MpiJobs.Kind, "default", name, CancellationToken.None)).ToTree();
        change(tree);
        SimulatedCluster.Now(world.Admin.UpdateAsync(MpiJobs.Kind, KubeObject.From(tree), null, CancellationToken.None));
        world.Observer.Look("kueue");
    }
}
