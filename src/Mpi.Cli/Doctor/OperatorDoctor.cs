using Kube.Client;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Model;
using Mpi.Operator;

namespace Mpi.Cli;

/// <summary>Whether an operator runs and leads, and whether it is the only one.</summary>
internal sealed class OperatorDoctor(KubeClient client, TimeProvider time, Findings findings)
{
    public async Task ExamineAsync(KubeObject deployment, CancellationToken cancellation)
    {
        var ns = deployment.Meta.Namespace;
        var logs = $"kubectl -n {ns} logs deployment/{deployment.Meta.Name}";
        if (deployment.Root.Integer("spec", "replicas") == 0)
        {
            findings.Add(Finding.Fault($"the operator in namespace {ns} is scaled to none", $"kubectl -n {ns} scale deployment/{deployment.Meta.Name} --replicas=2"));
            return;
        }

        var rollout = await RolloutAsync(client, deployment, cancellation);
        findings.Add(rollout.Done ? Finding.Fine($"the operator in namespace {ns}: {rollout}") : Finding.Fault($"the operator in namespace {ns}: {rollout}", logs));

        LeaseRecord? lease = null;
        try
        {
            lease = LeaseRecord.Read(await client.GetAsync(Kinds.Lease, ns, OperatorManifests.Name, cancellation));
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // None has ever led.
        }

        // Their clock and ours may differ; by as much as the lease is long is forgiven.
        if (lease is { Holder.Length: > 0, RenewTime: { } renewed } && time.GetUtcNow() - renewed <= lease.Duration * 2) findings.Add(Finding.Fine($"{lease.Holder} leads"));
        else findings.Add(Finding.Fault($"nobody leads in namespace {ns}, so nobody acts on jobs: {Silence(lease)}", logs));
    }

    /// <summary>Two operators for one set of jobs, of ours or of others.</summary>
    public async Task ExamineOthersAsync(IReadOnlyList<KubeObject> operators, IReadOnlyList<KubeObject> definitions, CancellationToken cancellation)
    {
        var everywhere = operators.Where(static d => !ClusterInstaller.IsNamespaced(d)).Select(static d => d.Meta.Namespace).ToList();
        if (everywhere.Count > 1) findings.Add(Finding.Fault($"each of namespaces {string.Join(", ", everywhere)} has an operator for the whole cluster: all of them act on the same jobs", "kubempi uninstall --namespace NAME takes one away; jobs stay"));

        foreach (var rival in ManifestDialects.All.Select(static d => d.Rival).OfType<RivalController>())
        {
            if (await IsThereAsync(rival, cancellation)) findings.Add(Finding.Fault($"{rival.Kind.Kind} {rival.Name} acts on jobs of {rival.System}, too", rival.Remedy));
        }

        var others = await OtherOperators.FindAsync(client, everywhere.FirstOrDefault(""), cancellation);
        foreach (var warning in others.Warnings) findings.Add(Finding.Fault(warning));
        if (!definitions.Any(static d => d.Meta.Name == ConversionOptions.Definition && DefinitionView.Read(d).Served.Contains("v1"))) return;
        foreach (var refusal in others.Refusals) findings.Add(Finding.Fault(refusal));
    }

    /// <summary>How far its pods have come.</summary>
    public static async Task<Rollout> RolloutAsync(KubeClient client, KubeObject deployment, CancellationToken cancellation) =>
        Rollout.Look(deployment, (await client.ListAsync(Kinds.Pod, deployment.Meta.Namespace, new ListOptions($"app={OperatorManifests.Name}"), cancellation)).Items);

    private async Task<bool> IsThereAsync(RivalController rival, CancellationToken cancellation)
    {
        try
        {
            await client.GetAsync(rival.Kind, null, rival.Name, cancellation);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    private static string Silence(LeaseRecord? lease) => lease switch
    {
        null => $"there is no Lease {OperatorManifests.Name}",
        { Holder.Length: 0 } => "the Lease was released",
        { RenewTime: { } renewed } => $"{lease.Holder} renewed the Lease last at {KubeTime.Format(renewed)}",
        _ => $"{lease.Holder} has never renewed the Lease",
    };
}
