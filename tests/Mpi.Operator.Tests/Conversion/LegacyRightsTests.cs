using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Operator.Tests;

/// <summary>What profile legacy asks of the API server, against the rights that deploy/install-legacy.yaml gives it besides the others'.</summary>
public sealed class LegacyRightsTests
{
    private const string Account = "mpi-operator";

    [Fact]
    public async Task Nothing_is_asked_that_is_not_granted_and_nothing_granted_that_is_not_asked()
    {
        var manifests = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "install-legacy.yaml"), TestContext.Current.CancellationToken);
        await using var world = new WebhookWorld();
        world.Cluster.Create(KubeflowV2Beta1Dialect.MpiJob, KubeObject.Parse("""{"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": "pi", "namespace": "default"}}"""));
        world.Cluster.Patch(Kinds.CustomResourceDefinition, ConversionOptions.Definition, """{"status": {"storedVersions": ["v1", "v2beta1"]}}""", "status");

        // Keys made, settings made, the definition led; one authority retired where the Secret was lost; what was stored rewritten; others looked for.
        var (_, requests) = world.Start();
        await world.RunAsync();
        world.Cluster.Delete(Kinds.Secret, ConversionOptions.SecretName, ns: WebhookWorld.Namespace);
        await world.RunAsync(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(1));
        var (client, others) = world.Cluster.Connect("migration");
        var migration = new StorageMigration(client, KubeflowV2Beta1Dialect.MpiJob, static _ => { });
        while (!await migration.StepAsync(TestContext.Current.CancellationToken)) { }
        await OtherOperators.FindAsync(client, WebhookWorld.Namespace, TestContext.Current.CancellationToken);

        var asked = requests.Requests.Concat(others.Requests).ToList();
        var granted = GrantedRights.Read(manifests, Account);
        Assert.Empty(asked.Where(r => !granted.Allow(r)).Select(static r => r.ToString()).Distinct());

        var own = string.Join("\n---\n", Yaml.Read(manifests).Where(static d => d.Root["metadata"]!["name"]!.ToString() == "mpi-operator-legacy").Select(static d => Yaml.Write(KubeObject.From(d.Root).Root)));
        // StatefulSets are asked for by jobs and not by the webhook: Simulation's RightsTests has lives that need each of those rights.
        Assert.Empty(GrantedRights.Read(own, Account).All.Where(static r => r.Resource != Kinds.StatefulSet.Plural).Select(static r => r.ToString()).Except(asked.Select(static r => Right.Needed(r).ToString())));
    }
}
