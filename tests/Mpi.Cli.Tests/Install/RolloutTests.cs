using Kube.Types;

namespace Mpi.Cli.Tests;

public sealed class RolloutTests
{
    private static KubeObject Deployment(string status, int generation = 2) => KubeObject.Parse(
        $$"""{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "mpi-operator", "namespace": "mpi-operator", "generation": {{generation}}}, "spec": {"replicas": 2}, "status": {{status}}}""");

    private static KubeObject Pod(string status) => KubeObject.Parse($$"""{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mpi-operator-abc"}, "status": {{status}}}""");

    [Fact]
    public void It_is_done_when_all_pods_of_the_newest_template_are_available()
    {
        Assert.True(Rollout.Look(Deployment("""{"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}"""), []).Done);
        Assert.False(Rollout.Look(Deployment("""{"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}"""), []).Done);
        Assert.False(Rollout.Look(Deployment("""{"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}"""), []).Done);
        Assert.False(Rollout.Look(Deployment("""{"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}"""), []).Done);
    }

    [Theory]
    [InlineData("""{"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}""", "pod mpi-operator-abc: ImagePullBackOff: no such image")]
    [InlineData("""{"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 2}}}]}""", "pod mpi-operator-abc: CrashLoopBackOff (it ended with exit code 2; kubectl logs tells why)")]
    [InlineData("""{"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]}""", "pod mpi-operator-abc has no node: 0/3 nodes are available")]
    public void What_keeps_a_pod_is_named(string status, string obstacle) =>
        Assert.Equal(obstacle, Rollout.Look(Deployment("""{"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2}"""), [Pod(status)]).Obstacle);

    [Fact]
    public void A_pod_that_is_just_being_made_is_no_obstacle() =>
        Assert.Null(Rollout.Look(Deployment("""{"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2}"""), [Pod("""{"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}""")]).Obstacle);

    [Fact]
    public void Pods_that_are_refused_and_a_cluster_without_the_controller_are_named_too()
    {
        Assert.Equal("its pods are refused: exceeded quota", Rollout.Look(Deployment("""{"observedGeneration": 2, "conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]}"""), []).Obstacle);
        Assert.Equal("no controller has taken up the Deployment yet", Rollout.Look(Deployment("{}"), []).Obstacle);
    }
}
