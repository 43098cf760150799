using Kube.Client;
using Kube.Types;

namespace EndToEnd;

/// <summary>The background cluster's API as a program sees it.</summary>
internal static class Cluster
{
    public static ResourceKind MpiJobs { get; } = Mpi.Dialects.KubeflowV2Beta1Dialect.MpiJob;

    public static KubeClient Connect(Household house) =>
        ClusterConnection.Load(new ClusterConnectionOptions(house.ClusterKubeconfig), TimeProvider.System).CreateClient(KubeClientOptions.Default, TimeProvider.System);

    public static async Task<IReadOnlyList<string>> NamesAsync(IKubeReader client, ResourceKind kind, CancellationToken cancellation) =>
        [.. (await client.ListAsync(kind, null, new ListOptions(), cancellation)).Items.Select(static o => o.Meta.Key.ToString())];

    public static bool Has(this KubeObject job, string condition) =>
        job.Root.Items("status", "conditions").Any(c => c.Text("type") == condition && c.Text("status") == "True");
}
