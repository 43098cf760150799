namespace Kube.Types;

/// <summary>The Kubernetes whose behaviour server and node here follow; clients choose features by it.</summary>
public static class FollowedKubernetes
{
    public const string Minor = "35";

    /// <summary>As <c>kubectl version</c> and <c>kubectl get nodes</c> show it.</summary>
    public const string Version = $"v1.{Minor}.0+kubempi";
}
