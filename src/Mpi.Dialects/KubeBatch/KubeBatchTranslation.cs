using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// kube-batch's MPI in kubeflow's words and back. Its pods are all alike, run MPICH with one slot each, the first of them runs the command, and all end with it
/// (spec/kube-batch-mpi.md 3 to 5).
/// </summary>
internal sealed class KubeBatchTranslation : ITranslation
{
    /// <summary>Fields that Job and run policy have in common.</summary>
    private static readonly string[] Limits = ["backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "suspend"];

    /// <summary>Members of a template's spec that were always overwritten.</summary>
    private static readonly string[] Overwritten = ["restartPolicy", "serviceAccount", "serviceAccountName", "schedulerName"];

    public JsonObject ToHub(JobInTransit job)
    {
        string[] at = job.Manifest.Has("spec", "job", "template") ? ["spec", "job"] : ["spec", "job", "spec"];
        foreach (string[] path in (string[][])[["spec", "job"], ["spec", "podGroup"]])
        {
            job.Take([.. path, "apiVersion"]);
            job.Take([.. path, "kind"]);
        }

        var (parallelism, completions) = (job.Take([.. at, "parallelism"]), job.Take([.. at, "completions"]));
        var pods = parallelism.Integer() ?? completions.Integer() ?? 1;
        var template = Template(job, at);
        var roles = new JsonObject { ["Launcher"] = new JsonObject { ["replicas"] = 1, ["restartPolicy"] = "Never", ["template"] = template } };
        if (pods > 1)
        {
            var worker = (JsonObject)template.DeepClone();
            foreach (var member in (ReadOnlySpan<string>)["command", "args"]) JobFields.ContainerZero(worker)?.Remove(member);
            roles["Worker"] = new JsonObject { ["replicas"] = pods - 1, ["restartPolicy"] = "Never", ["template"] = worker };
        }

        // Its pods end with the command; workers of kubeflow's are taken away then.
        var policy = new JsonObject { ["cleanPodPolicy"] = "Running" };
        foreach (var limit in Limits) job.Move(policy, limit, [.. at, limit]);
        var scheduling = new JsonObject();
        job.Move(scheduling, "minAvailable", "spec", "podGroup", "spec", "minMember");
        job.Move(scheduling, "queue", "spec", "podGroup", "spec", "queue");
        job.Move(scheduling, "priorityClass", "spec", "podGroup", "spec", "priorityClassName");
        JobFields.PutFilled(policy, "schedulingPolicy", scheduling);

        job.Annotations[KubeMpiAnnotations.Transport] = "agent";
        job.Annotations[KubeMpiAnnotations.GangScheduler] ??= "kube-batch";
        OwnPaths.Check(job, template, $"{string.Join('.', at)}.template", ["/mpi/", "/entry/"], "/etc/mpi/hostfile");
        return new JsonObject { ["slotsPerWorker"] = 1, ["runLauncherAsWorker"] = true, ["mpiImplementation"] = "MPICH", ["runPolicy"] = policy, ["mpiReplicaSpecs"] = roles };
    }

    public JsonObject FromHub(JobInTransit job)
    {
        if (job.Take("spec", "mpiImplementation").Text() is not "MPICH" and var other)
        {
            job.Faults.Add(FieldError.Invalid("spec.mpiImplementation", $"\"{other ?? "OpenMPI"}\"", "must be MPICH: kube-batch's MPI runs no other", "Write mpiImplementation: MPICH if the image has it."));
        }

        var (workers, runsRanks) = (job.Take("spec", "mpiReplicaSpecs", "Worker", "replicas").Integer() ?? 0, job.Take("spec", "runLauncherAsWorker").Flag() == true);
        var pods = Math.Max(1, runsRanks ? workers + 1 : workers);
        if (!runsRanks) job.Remark("spec.mpiReplicaSpecs[Launcher]", $"is no pod of its own there: the first of {pods} pods runs the command, and ranks as well");
        job.TakeDefault("1", "spec", "slotsPerWorker");
        job.TakeDefault("/root/.ssh", "spec", "sshAuthMountPath");
        job.TakeDefault("AtStartup", "spec", "launcherCreationPolicy");
        foreach (var role in (ReadOnlySpan<string>)["Launcher", "Worker"])
        {
            job.TakeDefault("1", "spec", "mpiReplicaSpecs", role, "replicas");
            job.TakeDefault("Never", "spec", "mpiReplicaSpecs", role, "restartPolicy");
        }

        var template = OneTemplate.Of(job);
        OwnPaths.Check(job, template, "spec.mpiReplicaSpecs[Launcher].template", ["/etc/mpi/"], "/mpi/hostfile");
        var spec = new JsonObject { ["parallelism"] = pods, ["completions"] = pods };
        foreach (var limit in Limits) job.Move(spec, limit, "spec", "runPolicy", limit);
        foreach (var member in Overwritten)
        {
            if (JobFields.PodSpec(template)?.Remove(member) == true) job.Leave($"spec.mpiReplicaSpecs[{(workers > 0 ? "Worker" : "Launcher")}].template.spec.{member}");
        }

        spec["template"] = template;
        // Nothing runs on when the command has ended.
        job.TakeDefault("Running", "spec", "runPolicy", "cleanPodPolicy");
        job.TakeDefault("None", "spec", "runPolicy", "cleanPodPolicy");
        var group = new JsonObject();
        if (job.Take("spec", "runPolicy", "schedulingPolicy", "minAvailable").Integer() is { } members) group["minMember"] = Math.Min(members, pods);
        job.Move(group, "queue", "spec", "runPolicy", "schedulingPolicy", "queue");
        job.Move(group, "priorityClassName", "spec", "runPolicy", "schedulingPolicy", "priorityClass");

        if (job.Annotations[KubeMpiAnnotations.Transport]?.ToString() != "agent")
        {
            job.Remark($"metadata.annotations[{KubeMpiAnnotations.Transport}]", "is agent there, whatever it is here: the image needs no sshd");
            job.LeaveAnnotation(KubeMpiAnnotations.Transport);
        }

        if (job.Annotations[KubeMpiAnnotations.OnWorkerLoss]?.ToString() != "restart") job.LeaveAnnotation(KubeMpiAnnotations.OnWorkerLoss);
        var made = new JsonObject { ["job"] = new JsonObject { ["apiVersion"] = "batch/v1", ["kind"] = "Job", ["spec"] = spec } };
        if (group.Count > 0) made["podGroup"] = new JsonObject { ["spec"] = group };
        return made;
    }

    /// <summary>With the labels that the old controller put on the Job and its pods alike.</summary>
    private static JsonObject Template(JobInTransit job, string[] at)
    {
        var template = (JsonObject)job.Take([.. at, "template"]).ToTree()!;
        foreach (var member in Overwritten)
        {
            if (JobFields.PodSpec(template)?.Remove(member) == true) job.Leave($"{string.Join('.', at)}.template.spec.{member}");
        }

        foreach (var label in job.Take("spec", "job", "metadata", "labels").Members()) template.Object("metadata").Object("labels")[label.Name] ??= label.Value.ToTree();
        return template;
    }
}
