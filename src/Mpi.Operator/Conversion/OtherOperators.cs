using System.Collections.Immutable;
using System.Text.Json;
using Kube.Client;
using Kube.Types;

namespace Mpi.Operator;

/// <summary>Operators of others that act on MPIJobs of the versions that profile <c>legacy</c> serves.</summary>
/// <param name="Refusals">Why the profile must not start beside them.</param>
/// <param name="Warnings">What else an administrator should know.</param>
public sealed record OtherOperators(ImmutableArray<string> Refusals, ImmutableArray<string> Warnings)
{
    private const int PageSize = 500;
    private const string ContainerName = "mpi-operator";

    /// <summary>The label of training-operator's Deployment and pods in every release (manifests/base/deployment.yaml of kubeflow/training-operator, 1.3 to 1.9).</summary>
    private static readonly KeyValuePair<string, string> TrainingOperator = new("control-plane", "kubeflow-training-operator");

    /// <summary>Looks at the Deployments of the cluster.</summary>
    /// <param name="ns">Where this operator is, whose own Deployment is none of the others.</param>
    /// <exception cref="ApiException">They may not be listed, or the server is in trouble.</exception>
    public static async Task<OtherOperators> FindAsync(IKubeReader client, string ns, CancellationToken cancellation)
    {
        var (refusals, warnings) = (ImmutableArray.CreateBuilder<string>(), ImmutableArray.CreateBuilder<string>());
        var next = "";
        do
        {
            var page = await client.ListAsync(Kinds.Deployment, null, new ListOptions(Limit: PageSize, Continue: next), cancellation);
            foreach (var deployment in page.Items)
            {
                if (Refusal(deployment) is { } refusal) refusals.Add(refusal);
                if (Warning(deployment, ns) is { } warning) warnings.Add(warning);
            }

            next = page.Continue;
        }
        while (next.Length > 0);

        return new OtherOperators(refusals.ToImmutable(), warnings.ToImmutable());
    }

    /// <summary>
    /// A training-operator that runs and has MPI among its schemes. Its definition of MPIJob alone is no sign: the definition stays when the operator goes, and
    /// is then an upgrade; and once ours has replaced it, it is the operator's watch of <c>kubeflow.org/v1</c> that goes on and starts every job a second time.
    /// </summary>
    private static string? Refusal(KubeObject deployment)
    {
        var isIt = deployment.Meta.Name == "training-operator" || deployment.Meta.Labels.Contains(TrainingOperator) || deployment.Root.TextMap("spec", "template", "metadata", "labels").Contains(TrainingOperator);
        if (!isIt || deployment.Root.Integer("spec", "replicas") == 0) return null;

        // --enable-scheme is given once for each kind; none given means all.
        var schemes = Flags(deployment, "enable-scheme").ToList();
        if (schemes.Count > 0 && !schemes.Contains("mpijob", StringComparer.OrdinalIgnoreCase)) return null;
        return $"the training-operator in namespace {deployment.Meta.Namespace} acts on MPIJobs of kubeflow.org/v1: both would start each of them. "
            + $"Take MPI from it (kubectl -n {deployment.Meta.Namespace} patch deployment {deployment.Meta.Name} --type=json -p '[{{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/0/args\",\"value\":"
            + "[\"--enable-scheme=tfjob\",\"--enable-scheme=pytorchjob\",\"--enable-scheme=xgboostjob\",\"--enable-scheme=paddlejob\"]}]'), or remove it; --force starts all the same";
    }

    /// <summary>An mpi-operator of the old releases, whatever its Deployment is called (the ksonnet prototype let users choose). Ours is told by a flag that no other has.</summary>
    private static string? Warning(KubeObject deployment, string ns)
    {
        if (deployment.Root.Integer("spec", "replicas") == 0 || deployment.Meta.Key == new ObjectKey(ns, ContainerName)) return null;
        var container = Containers(deployment).FirstOrDefault(static c => c.Text("name") == ContainerName);
        if (container.ValueKind != JsonValueKind.Object || Flags(deployment, "agent-image").Any()) return null;
        return $"Deployment {deployment.Meta.Key} runs another mpi-operator ({container.Text("image")}), which acts on the same jobs; remove it (kubectl -n {deployment.Meta.Namespace} delete deployment {deployment.Meta.Name})";
    }

    private static IEnumerable<JsonElement> Containers(KubeObject deployment) => deployment.Root.Items("spec", "template", "spec", "containers");

    /// <summary>The values of a flag, in either of Go's forms.</summary>
    private static IEnumerable<string> Flags(KubeObject deployment, string name)
    {
        foreach (var container in Containers(deployment))
        {
            ImmutableArray<string> words = [.. container.Words("command"), .. container.Words("args")];
            for (var i = 0; i < words.Length; i++)
            {
                if (!words[i].StartsWith('-')) continue;
                var flag = words[i].TrimStart('-');
                if (flag == name) yield return i + 1 < words.Length ? words[i + 1] : "";
                else if (flag.StartsWith(name + "=", StringComparison.Ordinal)) yield return flag[(name.Length + 1)..];
            }
        }
    }
}
