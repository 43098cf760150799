using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>
/// Kubernetes' own Workload and PodGroup (KEP-4671): v1alpha2 of Kubernetes 1.36, where both are immutable, and v1beta1 of 1.37. The pods
/// stay with the scheduler they have. One PodGroup a job and not one an attempt: workers that survive a restart are its members still.
/// </summary>
internal sealed class InTreeGang : GangBackend
{
    public static readonly ResourceKind WorkloadBeta = new("scheduling.k8s.io", "v1beta1", "Workload", "workloads");
    public static readonly ResourceKind PodGroupBeta = new("scheduling.k8s.io", "v1beta1", "PodGroup", "podgroups");
    public static readonly ResourceKind WorkloadAlpha = WorkloadBeta with { Version = "v1alpha2" };
    public static readonly ResourceKind PodGroupAlpha = PodGroupBeta with { Version = "v1alpha2" };

    /// <summary>The only template of a job's Workload.</summary>
    private const string Template = "pods";

    public override string Name => "Kubernetes (scheduling.k8s.io)";

    public override ImmutableArray<ResourceKind> Kinds => [WorkloadBeta, PodGroupBeta, WorkloadAlpha, PodGroupAlpha];

    public override bool TakesLatecomers => false;

    public override bool CanChange(ResourceKind kind) => kind == PodGroupBeta;

    internal override JsonObject Spec(ResourceKind kind, Draft draft, GangSize size)
    {
        var profile = draft.Scene.Profile;
        var policy = new JsonObject { ["gang"] = new JsonObject { ["minCount"] = size.Members } };
        var priority = GangSize.PriorityClass(draft.Run);
        if (kind.Kind == "PodGroup")
        {
            return WithoutNulls(new JsonObject
            {
                ["podGroupTemplateRef"] = new JsonObject { ["workload"] = new JsonObject { ["workloadName"] = profile.GangGroup, ["podGroupTemplateName"] = Template } },
                ["schedulingPolicy"] = policy,
                ["priorityClassName"] = priority,
            });
        }

        return new JsonObject
        {
            ["controllerRef"] = new JsonObject { ["apiGroup"] = profile.JobKind.Group, ["kind"] = profile.JobKind.Kind, ["name"] = profile.Job.Name },
            ["podGroupTemplates"] = new JsonArray((JsonNode)WithoutNulls(new JsonObject { ["name"] = Template, ["schedulingPolicy"] = policy, ["priorityClassName"] = priority })),
        };
    }

    internal override void Mark(JsonObject podMetadata, JsonObject podSpec, string group) => podSpec["schedulingGroup"] = new JsonObject { ["podGroupName"] = group };
}
