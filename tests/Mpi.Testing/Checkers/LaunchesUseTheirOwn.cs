using Kube.Types;

namespace Mpi.Testing;

/// <summary>A launcher starts with the Service, the host list and the keys of its own job, and with nobody else's of the same names.</summary>
internal sealed class LaunchesUseTheirOwn : Checker
{
    public override void Changed(Change change, ClusterView view)
    {
        if (change.Kind != Kinds.Pod || change.After is not { } pod || pod.Root.Text("status", "phase") != "Running" || change.Before?.Root.Text("status", "phase") == "Running") return;
        if (view.JobOf(pod) is not { Run: { } run, IsGone: false } job || job.PartOf(pod) is not { IsLauncher: true }) return;
        (ResourceKind Kind, string? Name)[] used = [(Kinds.Service, job.Profile.Service), (Kinds.Secret, job.Profile.Secret(run.Transport.Kind)), .. job.Profile.ConfigMaps.Select(static name => (Kinds.ConfigMap, (string?)name))];
        foreach (var (kind, name) in used)
        {
            if (name is not null && view.Find(kind, new ObjectKey(job.Object.Meta.Namespace, name)) is { } found && found.Meta.Controller?.Uid != job.Uid) throw Broken($"{pod} starts with {found}, which is not of {job}");
        }
    }
}
