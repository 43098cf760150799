using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>A ReplicaSet's wishes, with the API's defaults filled in where a server has not done so.</summary>
public sealed class ReplicaSetView
{
    public const string DesiredAnnotation = "deployment.kubernetes.io/desired-replicas";
    public const string RevisionAnnotation = "deployment.kubernetes.io/revision";

    public ReplicaSetView(KubeObject set)
    {
        Object = set;
        var spec = set.Root.At("spec");
        Replicas = (int)(spec.Integer("replicas") ?? 1);
        MinReady = TimeSpan.FromSeconds(spec.Integer("minReadySeconds") ?? 0);
        Selector = LabelSelector.Read(spec.At("selector"), "spec.selector", []);
        Template = spec.At("template");
    }

    public KubeObject Object { get; }
    public ObjectMeta Meta => Object.Meta;
    public JsonElement Status => Object.Root.At("status");
    public int Replicas { get; }
    public TimeSpan MinReady { get; }
    public LabelSelector Selector { get; }
    public JsonElement Template { get; }

    /// <summary>Whether its status was written with its present size in view.</summary>
    public bool IsObserved => Meta.Generation <= (Status.Integer("observedGeneration") ?? 0);

    /// <summary>Pods that there are and that are neither ended nor on their way out.</summary>
    public int Present => (int)(Status.Integer("replicas") ?? 0);

    public int Ready => (int)(Status.Integer("readyReplicas") ?? 0);
    public int Available => (int)(Status.Integer("availableReplicas") ?? 0);
    public int Terminating => (int)(Status.Integer("terminatingReplicas") ?? 0);

    /// <summary>Its number in its Deployment's history; 0 without one.</summary>
    public long Revision => long.TryParse(Meta.Annotations.GetValueOrDefault(RevisionAnnotation), CultureInfo.InvariantCulture, out var revision) ? revision : 0;

    /// <summary>The whole of its Deployment's replicas when it was last scaled; null when it does not say.</summary>
    public int? Desired => int.TryParse(Meta.Annotations.GetValueOrDefault(DesiredAnnotation), CultureInfo.InvariantCulture, out var desired) ? desired : null;
}
