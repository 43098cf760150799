using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Model;
using PodView = Kube.Types.PodView;

namespace Simulation;

/// <summary>Does what a scenario has users, strangers and nodes do. What the server refuses is not done: a job that is gone cannot be suspended.</summary>
internal sealed class Doer(Scenario scenario, SimulatedCluster world)
{
    private const string Namespace = "default";

    private readonly RunProfile _names = scenario.Subject.DialectOf(scenario).Profile(KubeObject.From(scenario.Subject.Manifest(scenario)).Meta);

    /// <summary>A pod of nobody's that has the labels of the job's workers: somebody copied a manifest.</summary>
    public void PlaceABystander()
    {
        var pod = A.Pod($"{Subject.Name}-copy");
        foreach (var (key, value) in _names.WorkerLabels) pod.Label(key, value);
        Try("has a pod that looks like a worker", () => world.Create(pod.Tree, Kinds.Pod));
    }

    public void MakeTheJob() => Try("makes the job", () => world.Create(scenario.Subject.Manifest(scenario), scenario.Subject.Kind));

    public void Do(Deed deed) => Try(deed.ToString()!, () => Act(deed));

    public void Kill(int node) => Try($"pulls the plug of node-{node}", () =>
    {
        foreach (var pod in Pods().Where(p => p.NodeName == $"node-{node}").ToList())
        {
            // As the taint manager does it: the pod is told why it goes, and then there is no kubelet to wait for.
            var conditions = (pod.Status.At("conditions").ToTree() as JsonArray) ?? [];
            conditions.Add((JsonNode)new JsonObject { ["type"] = "DisruptionTarget", ["status"] = "True", ["reason"] = "DeletionByTaintManager", ["message"] = "Taint manager: deleting due to NoExecute taint" });
            if (!pod.IsFinished) Patch(Kinds.Pod, pod.Meta.Name, new JsonObject { ["status"] = new JsonObject { ["conditions"] = conditions } }, "status");
            Delete(Kinds.Pod, pod.Meta.Name, atOnce: true);
        }
    });

    public void Take(TakenName name) => Try($"has a {name} of the same name", () => world.Create(Stranger(name).Tree, Deed.KindOf(name)));

    public void Free(TakenName name) => Try($"takes the {name} away", () => Delete(Deed.KindOf(name), Stranger(name).Build().Meta.Name, atOnce: true));

    private void Act(Deed deed)
    {
        var subject = scenario.Subject;
        switch (deed)
        {
            case Deed.Suspends or Deed.Resumes:
                if (subject.Suspension(deed is Deed.Suspends) is { } suspension) Patch(subject.Kind, Subject.Name, suspension);
                break;
            case Deed.Scales scales:
                Patch(subject.Kind, Subject.Name, subject.Scaling(scales.Workers));
                break;
            case Deed.SpoilsTheSpec or Deed.MendsTheSpec:
                Patch(subject.Kind, Subject.Name, new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [KubeMpiAnnotations.Gate] = deed is Deed.SpoilsTheSpec ? "perhaps" : null } } });
                break;
            case Deed.DeletesTheJob:
                SimulatedCluster.Now(world.Admin.DeleteAsync(subject.Kind, Namespace, Subject.Name, new DeleteOptions(Propagation: "Background"), CancellationToken.None));
                break;
            case Deed.MakesTheJobAnew:
                world.Create(subject.Manifest(scenario), subject.Kind);
                break;
            case Deed.DeletesAPod pod:
                if (Member(pod.Launcher) is { } member) Delete(Kinds.Pod, member, pod.AtOnce);
                break;
            case Deed.DeletesTheLauncherJob:
                SimulatedCluster.Now(world.Admin.DeleteAsync(Kinds.Job, Namespace, _names.Launcher, new DeleteOptions(Propagation: "Background"), CancellationToken.None));
                break;
            case Deed.DeletesTheService:
                Delete(Kinds.Service, _names.Service, atOnce: false);
                break;
            case Deed.LabelsThePods:
                foreach (var pod in Pods().ToList()) Patch(Kinds.Pod, pod.Meta.Name, new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["seen-by"] = "user" } } });
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(deed));
        }
    }

    private ObjectBuilder Stranger(TakenName name) => name switch
    {
        TakenName.Service => A.Service(_names.Service, ("a", "b")).Port(80),
        TakenName.ConfigMap => A.ConfigMap(_names.ConfigMap),
        TakenName.Secret => A.Object(Kinds.Secret, _names.Secret((scenario.Subject.DialectOf(scenario).Parse(KubeObject.From(scenario.Subject.Manifest(scenario)).Root) as ParseResult.Run)?.Value.Transport.Kind ?? Transport.Ssh) ?? _names.SshSecret),
        // Suspended, or it would have pods of its own.
        TakenName.LauncherJob => A.Job(_names.Launcher).With("spec.suspend", JsonValue.Create(true)),
        TakenName.Worker => A.Pod(_names.Worker(0)),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private IEnumerable<PodView> Pods() => world.Observer.Objects.Where(static o => o.Kind == Kinds.Pod.Kind).Select(static o => new PodView(o));

    private string? Member(bool launcher)
    {
        var job = world.Observer.View.Jobs.FirstOrDefault(static j => j.Object.Meta.Name == Subject.Name);
        return (launcher ? job?.Launchers : job?.Workers)?.Where(static p => p.IsLive).Select(static p => p.Pod.Meta.Name).Min(StringComparer.Ordinal);
    }

    private void Patch(ResourceKind kind, string name, JsonObject patch, string? subresource = null) =>
        SimulatedCluster.Now(world.Admin.PatchAsync(kind, Namespace, name, Kube.Client.Patch.Merge(patch), subresource, CancellationToken.None));

    private void Delete(ResourceKind kind, string name, bool atOnce) =>
        SimulatedCluster.Now(world.Admin.DeleteAsync(kind, Namespace, name, new DeleteOptions(GracePeriod: atOnce ? TimeSpan.Zero : null), CancellationToken.None));

    private void Try(string what, Action act)
    {
        world.Tell("somebody", what);
        try
        {
            act();
        }
        catch (ApiException refused)
        {
            world.Tell("somebody", $"cannot: {refused.Status.Message}");
        }

        world.Look("user");
    }
}
