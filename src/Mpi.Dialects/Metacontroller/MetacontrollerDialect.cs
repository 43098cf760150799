using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>The MPIJob of <c>skatelescope.org/v1</c>, which a hook of metacontroller served: one pod template for all, Open MPI over pods' names (spec/metacontroller-mpijob.md).</summary>
public sealed class MetacontrollerDialect : IManifestDialect
{
    public static readonly ResourceKind MpiJob = new("skatelescope.org", "v1", "MPIJob", "mpijobs");

    public ResourceKind Kind => MpiJob;

    public string WatchedPods => MetacontrollerProfile.WatchedPods;

    public string? JobOf(IReadOnlyDictionary<string, string> podLabels) => MetacontrollerProfile.JobOf(podLabels);

    public IRunStatusFormat Status { get; } = new MetacontrollerStatus();

    public bool MakesStatefulSets => true;

    /// <summary>The hook's chart made it, under this name alone.</summary>
    public RivalController Rival { get; } = new(
        new ResourceKind("metacontroller.k8s.io", "v1alpha1", "CompositeController", "compositecontrollers", Namespaced: false),
        "mpi-controller",
        "kubectl delete compositecontroller mpi-controller --cascade=orphan",
        "metacontroller");

    public ParseResult Parse(JsonElement manifest) => new MetacontrollerParser(manifest).Parse();

    public RunProfile Profile(ObjectMeta job) => MetacontrollerProfile.Of(job);

    public RunWiring Wiring(MpiRun run) => MetacontrollerWiring.Of(run);

    ITranslation? IManifestDialect.Translation { get; } = new MetacontrollerTranslation();

    string IManifestDialect.Definition => CustomResources.Read("metacontroller/mpijobs.yaml");

    /// <summary>Spec 2.</summary>
    string IManifestDialect.Fields => """
        SkatelescopeMPIJob apiVersion kind metadata:ObjectMeta spec:SkatelescopeSpec status:any
        SkatelescopeSpec replicas:i slots:i daemon:b daemons:b image template:PodTemplateSpec
        """;

    string IManifestDialect.FieldsOf(JsonElement manifest) => "SkatelescopeMPIJob";

    void IManifestDialect.Advise(JsonElement manifest, Func<string, long, string?>? homeOf, Advice advice) => SharedTemplateAdvice.Give(manifest.At("spec", "template"), "spec.template", advice);
}
