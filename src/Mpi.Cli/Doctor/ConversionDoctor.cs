using System.Text;
using Kube.Client;
using Kube.Types;
using Mpi.Operator;

namespace Mpi.Cli;

/// <summary>Whether the API server gets kubeflow's old versions converted, and if not, where the way to the webhook ends.</summary>
internal sealed class ConversionDoctor(KubeClient client, Findings findings)
{
    /// <summary>A job that says next to nothing.</summary>
    private const string Container = """{"spec": {"containers": [{"name": "probe", "image": "probe"}]}}""";

    /// <param name="kind">In the version that the operator reads.</param>
    /// <param name="operators">The Deployments of operators.</param>
    public async Task ExamineAsync(ResourceKind kind, KubeObject definition, IReadOnlyList<KubeObject> operators, CancellationToken cancellation)
    {
        var view = DefinitionView.Read(definition);
        var old = view.Served.Remove(kind.Version);
        var versions = string.Join(", ", old);
        if (!view.UsesWebhook && !old.IsEmpty)
        {
            findings.Add(Finding.Fault(
                $"{definition.Meta.Name} serves {versions} beside {kind.Version} and converts nothing between them",
                "kubempi install --profile legacy brings the conversion; kubempi install serves the one version"));
        }

        if (!view.UsesWebhook || old.IsEmpty) return;
        if (!view.Outdated.IsEmpty) findings.Add(Finding.Unknown($"jobs may still be stored as {string.Join(", ", view.Outdated)}; the operator that leads rewrites them and says so in its log"));
        try
        {
            await TryAsync(kind with { Version = old[0] }, cancellation);
            findings.Add(Finding.Fine($"jobs of {versions} are converted"));
        }
        catch (ApiException e) when (e.Message.Contains("conversion webhook", StringComparison.Ordinal))
        {
            findings.Add(Finding.Fault(
                $"jobs cannot be read or written as {versions}, and neither can namespaces be deleted that hold jobs: {e.Message}. {await WhereItEndsAsync(view, operators, cancellation)}",
                "bring the operator's pods up; if it is gone for good: kubempi uninstall, after which jobs are served in their stored version"));
        }
        catch (ApiException e)
        {
            findings.Add(Finding.Unknown($"whether jobs of {versions} are converted could not be tried: {e.Message}"));
        }
    }

    /// <summary>A creation that is converted, stored as far as the store, and not carried out: reads alone need no webhook where there are no jobs.</summary>
    private async Task TryAsync(ResourceKind kind, CancellationToken cancellation)
    {
        var spec = kind.Version == "v1alpha1" ? $$"""{"replicas": 1, "template": {{Container}} }""" : $$"""{"mpiReplicaSpecs": {"Launcher": {"template": {{Container}} } } }""";
        var job = $$"""{"apiVersion": "{{kind.ApiVersion}}", "kind": "{{kind.Kind}}", "metadata": {"generateName": "kubempi-doctor-"}, "spec": {{spec}}}""";
        await client.BytesAsync(new KubeRequest(HttpMethod.Post, kind.Path("default") + "?dryRun=All") { Body = Encoding.UTF8.GetBytes(job) }, cancellation);
    }

    private async Task<string> WhereItEndsAsync(DefinitionView view, IReadOnlyList<KubeObject> operators, CancellationToken cancellation)
    {
        if (view.Service.Split('/', ':') is not [var ns, var name, ..]) return $"The definition leads to {view.Url}: does an operator with --webhook-url run there?";
        try
        {
            await client.GetAsync(Kinds.Service, ns, name, cancellation);
            var slices = await client.ListAsync(Kinds.EndpointSlice, ns, new ListOptions($"kubernetes.io/service-name={name}"), cancellation);
            var ready = slices.Items.SelectMany(static s => s.Root.Items("endpoints")).Count(static e => e.Flag("conditions", "ready") != false);
            if (ready > 0) return $"Service {ns}/{name} has {ready} endpoints that are ready: does a network policy or a firewall keep the control plane from them?";
            if (operators.FirstOrDefault(d => d.Meta.Namespace == ns) is not { } deployment) return $"Nobody answers for Service {ns}/{name}: there is no operator in namespace {ns}";
            var rollout = await OperatorDoctor.RolloutAsync(client, deployment, cancellation);
            return $"Service {ns}/{name} has no endpoint that is ready: {rollout}";
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return $"There is no Service {ns}/{name}";
        }
        catch (ApiException e)
        {
            return $"What is behind Service {ns}/{name} could not be looked at: {e.Message}";
        }
    }
}
