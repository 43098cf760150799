using Kube.Client;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Operator;

namespace Mpi.Cli;

/// <summary>Whether MPI jobs can be run on a cluster at all: are their kinds served and converted, is there one operator, and does it lead. Changes nothing.</summary>
public sealed class InstallationDoctor(KubeClient client, TimeProvider time)
{
    /// <exception cref="HttpRequestException">The server does not answer.</exception>
    public async Task<Findings> ExamineAsync(CancellationToken cancellation)
    {
        var findings = new Findings();
        IReadOnlyList<KubeObject>? operators = null;
        await findings.LookAsync("the operator's Deployments", async () => operators = (await client.ListAsync(Kinds.Deployment, null, new ListOptions($"app={OperatorManifests.Name}"), cancellation)).Items);

        // 1. Kinds, and what the API server needs to serve them.
        var kinds = ManifestDialects.All.Select(static d => d.Kind).ToList();
        IReadOnlyList<KubeObject>? definitions = null;
        await findings.LookAsync("the definitions of jobs", async () => definitions = await DefinitionsAsync(kinds, cancellation));
        foreach (var definition in definitions ?? [])
        {
            var kind = kinds.Single(k => DefinitionName(k) == definition.Meta.Name);
            var served = DefinitionView.Read(definition).Served;
            findings.Add(served.Contains(kind.Version)
                ? Finding.Fine($"{definition.Meta.Name} is served as {string.Join(", ", served)}")
                : Finding.Fault($"{definition.Meta.Name} is served as {string.Join(", ", served)}, and the operator needs {kind.Version}", "kubempi install brings its definition"));
            if (definition.Meta.DeletionTimestamp is not null) findings.Add(Finding.Fault($"{definition.Meta.Name} is being deleted, and every job with it"));
            if (definition.Meta.Name != ConversionOptions.Definition) continue;
            await findings.LookAsync("the conversion of jobs", () => new ConversionDoctor(client, findings).ExamineAsync(kind, definition, operators ?? [], cancellation));
        }

        if (definitions is []) findings.Add(Finding.Fault("no kind of MPI job is served here", "kubempi install"));

        // 2. Who acts on jobs.
        var doctor = new OperatorDoctor(client, time, findings);
        foreach (var deployment in operators ?? []) await findings.LookAsync($"the operator in namespace {deployment.Meta.Namespace}", () => doctor.ExamineAsync(deployment, cancellation));
        if (operators is []) findings.Add(Finding.Fault($"there is no Deployment with label app={OperatorManifests.Name}: nobody acts on jobs, unless an operator runs elsewhere", "kubempi install"));
        await findings.LookAsync("other operators", () => doctor.ExamineOthersAsync(operators ?? [], definitions ?? [], cancellation));
        return findings;
    }

    /// <summary>Those that are there; a cluster need not have every kind.</summary>
    private async Task<IReadOnlyList<KubeObject>> DefinitionsAsync(List<ResourceKind> kinds, CancellationToken cancellation)
    {
        var found = new List<KubeObject>();
        foreach (var kind in kinds)
        {
            try
            {
                found.Add(await client.GetAsync(Kinds.CustomResourceDefinition, null, DefinitionName(kind), cancellation));
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // Not installed.
            }
        }

        return found;
    }

    private static string DefinitionName(ResourceKind kind) => $"{kind.Plural}.{kind.Group}";
}
