using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>The MPIJob of <c>skatelescope.org/v1</c> in kubeflow's words and back: one template for both roles, Open MPI, no run policy (spec/metacontroller-mpijob.md 2, 5, 6).</summary>
internal sealed class MetacontrollerTranslation : ITranslation
{
    public JsonObject ToHub(JobInTransit job)
    {
        var (template, image) = (job.Take("spec", "template"), job.Take("spec", "image").Text());
        var withResources = job.TakeAnnotation(KubeMpiAnnotations.LauncherResources) != "false";
        var launcher = (JsonObject)MetacontrollerTemplates.Launcher(template, image, withResources).ToTree()!;
        var worker = (JsonObject)MetacontrollerTemplates.Worker(template, image, apartFrom: null).ToTree()!;
        JobFields.PodSpec(worker)?.Remove("restartPolicy");
        if (job.Take("spec", "daemon").Flag() ?? job.Take("spec", "daemons").Flag() ?? false)
        {
            KeepApart(JobFields.PodSpec(worker)!, job.Manifest.Text("metadata", "name") ?? "");
            job.Remark("spec.daemon", "means workers on nodes of their own, as here; one for which there is no node is waited for there");
        }

        job.Take("spec", "daemons");
        job.LeaveAnnotation(KubeMpiAnnotations.LeaveOutAfter);
        job.Annotations[KubeMpiAnnotations.Transport] ??= "agent";
        OwnPaths.Check(job, launcher, "spec.template", ["/etc/mpihosts/"], "/etc/mpi/hostfile");
        return new JsonObject
        {
            ["slotsPerWorker"] = job.Take("spec", "slots").Integer() ?? 1,
            ["mpiImplementation"] = "OpenMPI",
            ["runPolicy"] = new JsonObject { ["cleanPodPolicy"] = job.TakeAnnotation(KubeMpiAnnotations.CleanPodPolicy) ?? "None" },
            ["mpiReplicaSpecs"] = new JsonObject
            {
                ["Launcher"] = new JsonObject { ["replicas"] = 1, ["restartPolicy"] = template.Text("spec", "restartPolicy") == "OnFailure" ? "OnFailure" : "Never", ["template"] = launcher },
                // A StatefulSet's pods start again where they are.
                ["Worker"] = new JsonObject { ["replicas"] = job.Take("spec", "replicas").Integer() ?? 1, ["restartPolicy"] = "OnFailure", ["template"] = worker },
            },
        };
    }

    public JsonObject FromHub(JobInTransit job)
    {
        if (job.Take("spec", "mpiImplementation").Text() is { } mpi and not "OpenMPI")
        {
            job.Faults.Add(FieldError.Invalid("spec.mpiImplementation", $"\"{mpi}\"", "must be OpenMPI: MPIJobs of skatelescope.org run no other", "Leave it out if the image has Open MPI."));
        }

        var (workers, runsRanks) = (job.Take("spec", "mpiReplicaSpecs", "Worker", "replicas").Integer() ?? 0, job.Take("spec", "runLauncherAsWorker").Flag() == true);
        if (runsRanks) job.Remark("spec.runLauncherAsWorker", "is not there: a worker more takes the launcher's ranks");
        else if (workers == 0) job.Remark("spec.mpiReplicaSpecs[Worker]", "is not to be left out there: one worker takes the ranks");
        var template = OneTemplate.Of(job);
        OwnPaths.Check(job, template, "spec.mpiReplicaSpecs[Launcher].template", ["/etc/mpi/hostfile", "/etc/mpi/discover_hosts.sh"], "/etc/mpihosts/hostfile");
        // A launcher's default is OnFailure there and Never here.
        if ((job.Take("spec", "mpiReplicaSpecs", "Launcher", "restartPolicy").Text() ?? "OnFailure") == "OnFailure") template.Object("spec")["restartPolicy"] = "OnFailure";
        job.TakeDefault("OnFailure", "spec", "mpiReplicaSpecs", "Worker", "restartPolicy");
        job.TakeDefault("1", "spec", "mpiReplicaSpecs", "Launcher", "replicas");
        job.TakeDefault("/root/.ssh", "spec", "sshAuthMountPath");
        job.Take("spec", "launcherCreationPolicy");
        job.TakeDefault("false", "spec", "runPolicy", "suspend");
        job.TakeDefault("6", "spec", "runPolicy", "backoffLimit");
        if (job.Take("spec", "runPolicy", "cleanPodPolicy").Text() is { } policy and not "None") job.Annotations[KubeMpiAnnotations.CleanPodPolicy] = policy;
        if (job.Annotations[KubeMpiAnnotations.Transport]?.ToString() is not ("agent" or "exec"))
        {
            job.Remark($"metadata.annotations[{KubeMpiAnnotations.Transport}]", "is agent there, where it is ssh here: the image needs no sshd");
            job.LeaveAnnotation(KubeMpiAnnotations.Transport);
        }

        var spec = new JsonObject { ["replicas"] = Math.Max(1, runsRanks ? workers + 1 : workers) };
        job.Move(spec, "slots", "spec", "slotsPerWorker");
        spec["template"] = template;
        return spec;
    }

    /// <summary>By the labels that kubeflow's workers have.</summary>
    private static void KeepApart(JsonObject podSpec, string job) => podSpec.Object("affinity").Object("podAntiAffinity").Array("requiredDuringSchedulingIgnoredDuringExecution").Add((JsonNode)new JsonObject
    {
        ["labelSelector"] = new JsonObject
        {
            ["matchLabels"] = new JsonObject { [KubeflowV2Beta1Profile.JobName] = job, [KubeflowV2Beta1Profile.JobRole] = "worker" },
        },
        ["topologyKey"] = "kubernetes.io/hostname",
    });
}
