using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class VolumeClaimControllerTests
{
    private const string Claim = """{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"data","namespace":"default"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}""";

    [Fact]
    public void A_claim_is_bound_at_once_to_a_volume_of_its_own()
    {
        using var world = new World();
        world.Cluster.Create(Kinds.PersistentVolumeClaim, KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(Claim)));
        world.Run(1);
        var claim = world.Cluster.Get(Kinds.PersistentVolumeClaim, "data");
        Assert.Equal(("Bound", "1Gi", $"pvc-{claim.Meta.Uid}"), (claim.Root.Text("status", "phase"), claim.Root.Text("status", "capacity", "storage"), claim.Root.Text("spec", "volumeName")));
        Assert.Equal(["ReadWriteOnce"], claim.Root.Items("status", "accessModes").Select(static m => m.GetString()));
    }

    [Fact]
    public void A_deleted_claim_stays_until_the_last_pod_that_uses_it_has_ended()
    {
        using var world = new World();
        world.Cluster.Create(Kinds.PersistentVolumeClaim, KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(Claim)));
        foreach (var name in new[] { "one", "two" }) world.Cluster.Create(A.Pod(name).With("spec.volumes", """[{"name":"v","persistentVolumeClaim":{"claimName":"data"}}]"""));
        world.Run(2);
        Assert.Equal(2, world.LivePods.Count(static p => p.Phase == "Running"));
        world.Cluster.Delete(Kinds.PersistentVolumeClaim, "data");
        world.Cluster.Delete(Kinds.Pod, "one");
        world.Run(60);
        Assert.NotNull(world.Cluster.Get(Kinds.PersistentVolumeClaim, "data").Meta.DeletionTimestamp);
        world.Cluster.Delete(Kinds.Pod, "two");
        world.Run(60);
        Assert.Null(world.Cluster.Find(Kinds.PersistentVolumeClaim, "data"));
    }

    [Fact]
    public void A_deleted_claim_that_no_pod_uses_goes_at_once()
    {
        using var world = new World();
        world.Cluster.Create(Kinds.PersistentVolumeClaim, KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(Claim)));
        world.Run(1);
        world.Cluster.Delete(Kinds.PersistentVolumeClaim, "data");
        world.Run(1);
        Assert.Null(world.Cluster.Find(Kinds.PersistentVolumeClaim, "data"));
    }

    private const string Ephemeral = """
        [{"name":"scratch","ephemeral":{"volumeClaimTemplate":{"metadata":{"labels":{"of":"scratch"}},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}}}]
        """;

    [Fact]
    public void An_ephemeral_volumes_claim_is_made_for_the_pod_and_goes_with_it()
    {
        using var world = new World();
        world.Cluster.Create(A.Pod("pod").With("spec.volumes", Ephemeral));
        world.Run(5);
        var pod = Assert.Single(world.LivePods);
        Assert.Equal("Running", pod.Phase);
        var claim = world.Cluster.Get(Kinds.PersistentVolumeClaim, "pod-scratch");
        Assert.Equal(("Bound", "scratch", pod.Meta.Uid), (claim.Root.Text("status", "phase"), claim.Meta.Labels["of"], claim.Meta.Controller?.Uid));
        world.Cluster.Delete(Kinds.PersistentVolumeClaim, "pod-scratch");
        world.Run(5);
        Assert.NotNull(world.Cluster.Get(Kinds.PersistentVolumeClaim, "pod-scratch").Meta.DeletionTimestamp);
        world.Cluster.Delete(Kinds.Pod, "pod");
        world.Run(60);
        Assert.Null(world.Cluster.Find(Kinds.PersistentVolumeClaim, "pod-scratch"));
    }

    [Fact]
    public void A_claim_of_an_ephemeral_volumes_name_that_is_not_the_pods_is_not_used()
    {
        using var world = new World();
        world.Cluster.Create(Kinds.PersistentVolumeClaim, KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(Claim.Replace("\"data\"", "\"pod-scratch\"", StringComparison.Ordinal))));
        world.Cluster.Create(A.Pod("pod").With("spec.volumes", Ephemeral));
        world.Run(5);
        var waiting = Assert.Single(world.LivePods);
        Assert.Equal("Pending", waiting.Phase);
        Assert.Contains("PVC default/pod-scratch was not created for pod default/pod (pod is not owner)", waiting.Status.Items("conditions").Single().Text("message"), StringComparison.Ordinal);
    }
}
