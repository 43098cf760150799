using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>POST <c>pods/NAME/eviction</c>: a deletion that a PodDisruptionBudget may refuse.</summary>
internal static class PodEviction
{
    public static ApiResponse Evict(ServerState server, ResourceCall call, CancellationToken cancellation)
    {
        var body = Bodies.Parse(call.Request) as JsonObject ?? throw Failures.BadRequest("an Eviction is expected");
        var pod = Reading.Get(server, call);
        if (Budget(server, pod) is { } budget)
        {
            // No Retry-After: clients would wait in silence, and kubectl drain says what it waits for.
            throw new ApiException(new ApiStatus(429, ApiReason.TooManyRequests, "Cannot evict pod as it would violate the pod's disruption budget.")
            {
                Causes = [new ApiStatusCause("DisruptionBudget", $"The disruption budget {budget} needs more healthy pods than there are", "")],
            });
        }

        var options = body["deleteOptions"] is JsonObject asked ? call with { Request = call.Request with { Body = asked.ToUtf8() } } : call with { Request = call.Request with { Body = default } };
        Deletion.Delete(new WriteContext(server, call), DeletionOptions.Read(options), cancellation);
        return ApiResponse.Of(new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = 201 }, 201);
    }

    /// <summary>The budget that has no disruption left for this pod.</summary>
    private static string? Budget(ServerState server, StoredObject pod)
    {
        if (server.Registry.Find("policy", "v1", "poddisruptionbudgets") is not { } budgets) return null;
        foreach (var stored in server.Store.Read(budgets.Objects).Range(pod.Key.Namespace, null))
        {
            var root = System.Text.Json.JsonElement.Parse(stored.Utf8.Span);
            if (!LabelSelector.Read(root.At("spec", "selector"), "spec.selector", []).Matches(pod.Header.Labels)) continue;
            if ((root.Integer("status", "disruptionsAllowed") ?? 0) < 1) return stored.Key.Name;
        }

        return null;
    }
}
