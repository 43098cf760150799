using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Cli;

/// <summary>How far a Deployment has come, as <c>kubectl rollout status</c> sees it, and what keeps it. Pure.</summary>
/// <param name="Done">The pods of the newest template are available, all of them.</param>
/// <param name="Progress">For the live line.</param>
/// <param name="Obstacle">What stands in the way as far as it shows; null where nothing does.</param>
public sealed record Rollout(bool Done, string Progress, string? Obstacle)
{
    public static Rollout Look(KubeObject deployment, IEnumerable<KubeObject> pods)
    {
        var (spec, status) = (deployment.Root.At("spec"), deployment.Root.At("status"));
        var wanted = spec.Integer("replicas") ?? 1;
        var updated = status.Integer("updatedReplicas") ?? 0;
        var available = status.Integer("availableReplicas") ?? 0;
        var seen = status.Integer("observedGeneration") >= deployment.Meta.Generation;
        var done = seen && updated >= wanted && available >= wanted && (status.Integer("replicas") ?? 0) <= updated;
        var obstacle = done ? null
            : pods.Select(Waiting).FirstOrDefault(static w => w is not null)
            ?? (Conditions.Find(status, "ReplicaFailure") is { IsTrue: true } refused ? $"its pods are refused: {refused.Message}" : null)
            ?? (Conditions.Find(status, "Progressing") is { Status: "False" } stuck ? stuck.Message : null)
            ?? (seen ? null : "no controller has taken up the Deployment yet");
        return new Rollout(done, $"{available} of {wanted} operator pods are available", obstacle);
    }

    /// <summary>For people, in a sentence.</summary>
    public override string ToString() => Obstacle is { } kept ? $"{Progress}: {kept}" : Progress;

    /// <summary>Why a pod does not run: its place, its image, its program.</summary>
    private static string? Waiting(KubeObject pod)
    {
        var status = pod.Root.At("status");
        if (Conditions.Find(status, "PodScheduled") is { Status: "False" } unplaced) return $"pod {pod.Meta.Name} has no node: {unplaced.Message}";
        foreach (var container in status.Items("containerStatuses"))
        {
            if (container.Text("state", "waiting", "reason") is { } reason and not ("ContainerCreating" or "PodInitializing"))
            {
                var message = container.Text("state", "waiting", "message");
                return $"pod {pod.Meta.Name}: {reason}{(message is null ? "" : $": {message}")}{LastEnd(container)}";
            }

            if (container.At("state", "terminated") is { ValueKind: JsonValueKind.Object } end) return $"pod {pod.Meta.Name} ended with exit code {end.Integer("exitCode")}";
        }

        return null;
    }

    private static string LastEnd(JsonElement container) =>
        container.Integer("lastState", "terminated", "exitCode") is { } code ? $" (it ended with exit code {code}; kubectl logs tells why)" : "";
}
