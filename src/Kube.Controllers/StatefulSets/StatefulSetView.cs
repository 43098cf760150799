using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>A StatefulSet's wishes, with the API's defaults filled in where a server has not done so.</summary>
public sealed class StatefulSetView
{
    public StatefulSetView(KubeObject set)
    {
        Object = set;
        var spec = set.Root.At("spec");
        Replicas = (int)(spec.Integer("replicas") ?? 1);
        Start = (int)(spec.Integer("ordinals", "start") ?? 0);
        ServiceName = spec.Text("serviceName") ?? "";
        Selector = LabelSelector.Read(spec.At("selector"), "spec.selector", []);
        IsParallel = spec.Text("podManagementPolicy") == "Parallel";
        UpdatesOnDelete = spec.Text("updateStrategy", "type") == "OnDelete";
        Partition = (int)(spec.Integer("updateStrategy", "rollingUpdate", "partition") ?? 0);
        MaxUnavailable = Math.Max(1, IntOrPercent.Of(spec.At("updateStrategy", "rollingUpdate", "maxUnavailable"), Replicas, roundUp: true, absent: 1));
        MinReady = TimeSpan.FromSeconds(spec.Integer("minReadySeconds") ?? 0);
        RevisionHistoryLimit = (int)(spec.Integer("revisionHistoryLimit") ?? 10);
        DeletesClaimsWithSet = spec.Text("persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete";
        DeletesClaimsWhenScaled = spec.Text("persistentVolumeClaimRetentionPolicy", "whenScaled") == "Delete";
        ClaimTemplates = [.. spec.Items("volumeClaimTemplates")];
        Template = spec.At("template");
    }

    public KubeObject Object { get; }
    public ObjectMeta Meta => Object.Meta;
    public JsonElement Status => Object.Root.At("status");
    public int Replicas { get; }

    /// <summary>The ordinal of the first pod.</summary>
    public int Start { get; }

    public string ServiceName { get; }
    public LabelSelector Selector { get; }

    /// <summary>Pods come and go without waiting for each other.</summary>
    public bool IsParallel { get; }

    /// <summary>A pod gets the new template when somebody deletes it, and not before.</summary>
    public bool UpdatesOnDelete { get; }

    /// <summary>Pods below this ordinal keep the current revision.</summary>
    public int Partition { get; }

    public int MaxUnavailable { get; }
    public TimeSpan MinReady { get; }
    public int RevisionHistoryLimit { get; }
    public bool DeletesClaimsWithSet { get; }
    public bool DeletesClaimsWhenScaled { get; }
    public ImmutableArray<JsonElement> ClaimTemplates { get; }
    public JsonElement Template { get; }

    public bool Wants(int ordinal) => ordinal >= Start && ordinal < Start + Replicas;
}
