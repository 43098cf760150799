namespace Kube.Client;

/// <summary>Where to look for the way to a cluster. What is empty is looked up as kubectl does.</summary>
/// <param name="Kubeconfig">A file that must exist; empty for <c>KUBECONFIG</c>, then <c>~/.kube/config</c>, then the pod's service account.</param>
/// <param name="Context">Empty for the file's current context.</param>
/// <param name="Server">Another address of the same cluster (the old flag <c>--master</c>); empty for the file's.</param>
public sealed record ClusterConnectionOptions(string Kubeconfig = "", string Context = "", string Server = "")
{
    /// <summary>Environment variables.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Where a pod finds its service account.</summary>
    public string ServiceAccountFolder { get; init; } = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>How long a credential plugin may take, a login in a browser included.</summary>
    public TimeSpan PluginTimeout { get; init; } = TimeSpan.FromMinutes(2);
}
