using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Carries out a <see cref="JobPlan"/>, in the order of its members. Safe to break off anywhere: the next pass plans what is left.</summary>
internal sealed class JobApplier(IKubeWriter client, EventRecorder events, TimeProvider time)
{
    public async Task ApplyAsync(ObservedJob seen, JobPlan plan, JobMemory memory, CancellationToken cancellation)
    {
        var job = seen.Job;
        // Pods are created only under a status write that the server has taken at the observed resourceVersion: it proves
        // that the view of the Job is current, even where the status stays as it is (such a write changes nothing).
        if (plan.Status is not null || !plan.Create.IsEmpty) await WriteStatusAsync(job, plan.Status ?? job.Status, memory, cancellation);
        memory.Backoff = plan.Backoff;

        foreach (var pod in plan.Release) await ReleaseAsync(pod, memory, cancellation);
        foreach (var pod in plan.Discard)
        {
            // Without its finalizer first, so that it is not counted as failed.
            await ReleaseAsync(pod, memory, cancellation);
            await DeleteAsync(job, pod, memory, cancellation);
        }

        foreach (var pod in plan.Delete) await DeleteAsync(job, pod, memory, cancellation);
        foreach (var pod in plan.Create) await CreateAsync(job, pod, memory, cancellation);
        foreach (var news in plan.Events) await events.RecordAsync(job.Object, news.Type, news.Reason, news.Message, cancellation);
        if (plan.DeleteJob) await DeleteJobAsync(job, cancellation);
    }

    private async Task WriteStatusAsync(JobView job, JobStatus status, JobMemory memory, CancellationToken cancellation)
    {
        var tree = job.Object.ToTree();
        tree["status"] = status.ToTree();
        memory.Writes.Add(Kinds.Job, await client.UpdateAsync(Kinds.Job, KubeObject.From(tree), "status", cancellation), time.GetUtcNow());
    }

    /// <summary>Takes the tracking finalizer off a pod, and leaves all others.</summary>
    public async Task ReleaseAsync(PodView pod, JobMemory? memory, CancellationToken cancellation)
    {
        if (!pod.IsTracked()) return;
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject { ["uid"] = pod.Meta.Uid, ["$deleteFromPrimitiveList/finalizers"] = new JsonArray((JsonNode)JobPods.TrackingFinalizer) },
        };
        try
        {
            var released = await client.PatchAsync(Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name, Patch.Strategic(patch), null, cancellation);
            memory?.Writes.Add(Kinds.Pod, released, time.GetUtcNow());
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone, or another pod bears its name by now: either way it holds on to nothing.
        }
    }

    private async Task DeleteAsync(JobView job, PodView pod, JobMemory memory, CancellationToken cancellation)
    {
        if (!memory.Deleted.Add(pod.Meta.Uid)) return;
        try
        {
            await client.DeleteAsync(Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name, new DeleteOptions(Uid: pod.Meta.Uid), cancellation);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            return;
        }
        catch
        {
            memory.Deleted.Remove(pod.Meta.Uid);
            throw;
        }

        await events.RecordAsync(job.Object, "Normal", "SuccessfulDelete", $"Deleted pod: {pod.Meta.Name}", cancellation);
    }

    private async Task CreateAsync(JobView job, NewPod pod, JobMemory memory, CancellationToken cancellation)
    {
        try
        {
            memory.Writes.Add(Kinds.Pod, await client.CreateAsync(Kinds.Pod, KubeObject.From(pod.Tree), cancellation), time.GetUtcNow());
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            // The answer to the first attempt was lost, or the store lags behind: the pod's own event brings the next pass.
            return;
        }
        catch (ApiException e) when (e.Responsibility is Responsibility.User or Responsibility.Administrator)
        {
            await events.RecordAsync(job.Object, "Warning", "FailedCreate", $"Error creating: {e.Message}", cancellation);
            throw;
        }

        await events.RecordAsync(job.Object, "Normal", "SuccessfulCreate", $"Created pod: {pod.Name}", cancellation);
    }

    private async Task DeleteJobAsync(JobView job, CancellationToken cancellation)
    {
        try
        {
            // In the foreground, so that the Job is seen until its pods are gone.
            await client.DeleteAsync(Kinds.Job, job.Meta.Namespace, job.Meta.Name, new DeleteOptions(Uid: job.Meta.Uid, Propagation: "Foreground"), cancellation);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone already, or a new Job of the same name, which has its own time to live.
        }
    }
}

/// <summary>What the controller knows of one Job beyond the stores. Lost in a restart, which costs at most a repeated request.</summary>
internal sealed class JobMemory
{
    public JobBackoff? Backoff { get; set; }
    public OwnWrites Writes { get; } = new();

    /// <summary>Pods whose deletion the server has taken.</summary>
    public HashSet<string> Deleted { get; } = new(StringComparer.Ordinal);
}
