using System.Text.Json;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>A Deployment's wishes, with the API's defaults filled in where a server has not done so.</summary>
public sealed class DeploymentView
{
    public DeploymentView(KubeObject deployment)
    {
        Object = deployment;
        var spec = deployment.Root.At("spec");
        Replicas = (int)(spec.Integer("replicas") ?? 1);
        Recreates = spec.Text("strategy", "type") == "Recreate";
        IsPaused = spec.Flag("paused") ?? false;
        MinReadySeconds = (int)(spec.Integer("minReadySeconds") ?? 0);
        RevisionHistoryLimit = (int)(spec.Integer("revisionHistoryLimit") ?? 10);
        ProgressDeadline = spec.Integer("progressDeadlineSeconds") is { } seconds and < int.MaxValue ? TimeSpan.FromSeconds(seconds) : null;
        Selector = LabelSelector.Read(spec.At("selector"), "spec.selector", []);
        Template = spec.At("template");
        if (!Recreates)
        {
            MaxSurge = IntOrPercent.Of(spec.At("strategy", "rollingUpdate", "maxSurge"), Replicas, roundUp: true, absent: 1);
            MaxUnavailable = IntOrPercent.Of(spec.At("strategy", "rollingUpdate", "maxUnavailable"), Replicas, roundUp: false, absent: 0);
            // Neither would let nothing ever move.
            if (MaxSurge == 0 && MaxUnavailable == 0) MaxUnavailable = 1;
            MaxUnavailable = Math.Min(MaxUnavailable, Replicas);
        }
    }

    public KubeObject Object { get; }
    public ObjectMeta Meta => Object.Meta;
    public JsonElement Status => Object.Root.At("status");
    public int Replicas { get; }

    /// <summary>All old pods go before the first new one comes.</summary>
    public bool Recreates { get; }

    public bool IsPaused { get; }
    public int MinReadySeconds { get; }
    public int RevisionHistoryLimit { get; }

    /// <summary>After so long without progress the Deployment says that it has failed; null: never.</summary>
    public TimeSpan? ProgressDeadline { get; }

    public LabelSelector Selector { get; }
    public JsonElement Template { get; }

    /// <summary>Pods beyond the wanted number while the template is rolled out.</summary>
    public int MaxSurge { get; }

    public int MaxUnavailable { get; }
}
