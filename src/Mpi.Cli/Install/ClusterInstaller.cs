using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Operator;

namespace Mpi.Cli;

/// <summary>Puts the operator's manifests into a cluster and takes them out again. Says what it does line by line.</summary>
/// <param name="say">A line for people.</param>
/// <param name="show">The live line; empty for none.</param>
public sealed class ClusterInstaller(IKubeClient client, TimeProvider time, Action<string> say, Action<string> show)
{
    /// <summary>Owns the manifests' fields in <c>managedFields</c>.</summary>
    private const string FieldManager = "kubempi";

    private const int ConflictsMax = 5;

    /// <summary>What the operator itself put beside its Deployment.</summary>
    private static readonly ImmutableArray<(ResourceKind Kind, string Name)> MadeByOperator =
        [(Kinds.Lease, OperatorManifests.Name), (Kinds.Secret, ConversionOptions.SecretName), (Kinds.ConfigMap, ConversionOptions.SettingsName)];

    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DefinitionLimit = TimeSpan.FromSeconds(30);

    /// <summary>Applies each object by server-side apply: what others added stays, what the manifests say holds.</summary>
    /// <exception cref="ApiException">The cluster refused; the message says what.</exception>
    public async Task ApplyAsync(ImmutableArray<JsonObject> objects, CancellationToken cancellation)
    {
        foreach (var tree in objects)
        {
            var obj = KubeObject.From(tree);
            show($"applying {Name(obj)}");
            try
            {
                await client.PatchAsync(OperatorManifests.KindOf(obj), Namespace(obj), obj.Meta.Name, Patch.Apply(tree, FieldManager, force: true), null, cancellation);
            }
            catch (ApiException refused)
            {
                var remedy = refused.Message.Contains("status.storedVersions", StringComparison.Ordinal) ? "; jobs are stored in versions that this definition does not have: kubempi install --profile legacy rewrites them, after which this command goes through" : "";
                throw new ApiException(refused.Status with { Message = $"{Name(obj)}: {refused.Message}{remedy}" });
            }

            say($"{Name(obj)} applied");
        }

        show("");
    }

    /// <summary>Another operator for the whole cluster, in another namespace: two of them, each with a Lease of its own, would both act on every job.</summary>
    public async Task<string?> FindOtherAsync(string ns, CancellationToken cancellation)
    {
        try
        {
            var deployments = await client.ListAsync(Kinds.Deployment, null, new ListOptions($"app={OperatorManifests.Name}"), cancellation);
            return deployments.Items.FirstOrDefault(d => d.Meta.Namespace != ns && d.Meta.Name == OperatorManifests.Name && !IsNamespaced(d))?.Meta.Namespace;
        }
        catch (ApiException e) when (e.Responsibility == Responsibility.Administrator)
        {
            // Whoever may not look around installs for a namespace of his own.
            return null;
        }
    }

    /// <summary>Operators of others that act on the versions that profile legacy serves; none where they may not be looked at.</summary>
    public async Task<OtherOperators> FindOthersOfLegacyAsync(string ns, CancellationToken cancellation)
    {
        try
        {
            return await OtherOperators.FindAsync(client, ns, cancellation);
        }
        catch (ApiException e) when (e.Responsibility == Responsibility.Administrator)
        {
            return new OtherOperators([], [$"whether another operator acts on the same jobs cannot be seen: {e.Message}"]);
        }
    }

    /// <summary>
    /// Has the API server ask no webhook any more: with strategy None, and the stored version alone, jobs can be read, deleted and collected whatever becomes of the operator.
    /// </summary>
    /// <param name="ns">The operator's. A webhook that is elsewhere is another operator's, and stays.</param>
    public async Task EndConversionAsync(string ns, CancellationToken cancellation)
    {
        for (var round = 1; ; round++)
        {
            try
            {
                var tree = (await client.GetAsync(Kinds.CustomResourceDefinition, null, ConversionOptions.Definition, cancellation)).ToTree();
                var spec = tree.Object("spec");
                if ((string?)spec["conversion"]?["strategy"] != "Webhook") return;
                if (spec["conversion"]!["webhook"]?["clientConfig"]?["service"] is { } service && (string?)service["namespace"] != ns) return;
                spec["conversion"] = new JsonObject { ["strategy"] = "None" };
                foreach (var version in spec.Array("versions").OfType<JsonObject>()) version["served"] = (bool?)version["storage"] == true;
                // Carries its resourceVersion.
                await client.UpdateAsync(Kinds.CustomResourceDefinition, KubeObject.From(tree), null, cancellation);
                say($"CustomResourceDefinition {ConversionOptions.Definition} asks no webhook any more and serves its stored version alone (kubectl remembers others for hours; kubectl api-resources has it look anew)");
                return;
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                return;
            }
            catch (ApiException e) when (e.IsConflict && round < ConflictsMax)
            {
                // The operator keeps it, too: look again.
            }
        }
    }

    /// <summary>Rewrites what older operators stored in older versions; says its progress.</summary>
    /// <returns>False when the time is up before the webhook answers; the operator goes on with it.</returns>
    public async Task<bool> MigrateAsync(TimeSpan limit, CancellationToken cancellation)
    {
        var migration = new StorageMigration(client, KubeflowV2Beta1Dialect.MpiJob, say);
        for (var begun = time.GetTimestamp(); ;)
        {
            try
            {
                while (!await migration.StepAsync(cancellation)) { }
                return true;
            }
            catch (ApiException trouble) when (trouble.Responsibility is Responsibility.Wait or Responsibility.Replan)
            {
                // The Deployment is available, and API servers may hear of the webhook's authority a moment later.
                show($"rewriting stored jobs: {trouble.Message}");
                if (time.GetElapsedTime(begun) >= limit)
                {
                    say($"kubempi: stored jobs are not rewritten yet: {trouble.Message}; the operator goes on with it (kubectl get crd {ConversionOptions.Definition} -o jsonpath={{.status.storedVersions}} ends with v2beta1 alone)");
                    return false;
                }

                await Task.Delay(Glance, time, cancellation);
            }
        }
    }

    /// <summary>Waits until the operator runs.</summary>
    /// <returns>Null when it does; else what kept it, when the time was up.</returns>
    public async Task<string?> WaitAsync(string ns, TimeSpan limit, CancellationToken cancellation)
    {
        for (var begun = time.GetTimestamp(); ;)
        {
            var deployment = await client.GetAsync(Kinds.Deployment, ns, OperatorManifests.Name, cancellation);
            var pods = await client.ListAsync(Kinds.Pod, ns, new ListOptions($"app={OperatorManifests.Name},app.kubernetes.io/name={OperatorManifests.Name}"), cancellation);
            var rollout = Rollout.Look(deployment, pods.Items);
            if (rollout.Done) return null;
            show($"{rollout.Progress}{(rollout.Obstacle is { } obstacle ? $"; {obstacle}" : "")}");
            if (time.GetElapsedTime(begun) >= limit) return rollout.ToString();
            await Task.Delay(Glance, time, cancellation);
        }
    }

    /// <summary>Ends the conversion and deletes what the manifests name, last things first. Absent things are no fault.</summary>
    /// <param name="definitions">Those of the definitions that go too, and all their jobs with them.</param>
    public async Task RemoveAsync(ImmutableArray<JsonObject> objects, ImmutableArray<string> definitions, CancellationToken cancellation)
    {
        var ns = OperatorManifests.NamespaceOf(objects);
        var defined = objects.Where(OperatorManifests.IsDefinition).Select(static o => KubeObject.From(o)).ToImmutableArray();

        // First, while there is still a webhook: once it is gone, everything that asks for it fails.
        if (objects.Any(static o => (string?)o["kind"] == Kinds.ClusterRole.Kind)) await EndConversionAsync(ns, cancellation);
        foreach (var tree in objects.Reverse())
        {
            var obj = KubeObject.From(tree);
            var kind = OperatorManifests.KindOf(obj);
            if (kind == Kinds.CustomResourceDefinition || (kind == Kinds.Namespace && await IsInUseAsync(obj.Meta.Name, defined, cancellation))) continue;
            await DeleteAsync(kind, obj, cancellation);
        }

        foreach (var (kind, name) in MadeByOperator)
        {
            await DeleteAsync(kind, KubeObject.From(new JsonObject { ["kind"] = kind.Kind, ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns } }), cancellation);
        }

        foreach (var definition in defined) await (definitions.Contains(definition.Meta.Name) ? RemoveDefinitionAsync(definition, cancellation) : TellWhatStaysAsync(definition, cancellation));
    }

    private async Task RemoveDefinitionAsync(KubeObject definition, CancellationToken cancellation)
    {
        await DeleteAsync(Kinds.CustomResourceDefinition, definition, cancellation);
        var begun = time.GetTimestamp();
        show("waiting until all jobs are gone");
        while (await FindAsync(Kinds.CustomResourceDefinition, null, definition.Meta.Name, cancellation))
        {
            if (time.GetElapsedTime(begun) >= DefinitionLimit)
            {
                say($"{Name(definition)} is still being deleted; the cluster goes on with it");
                return;
            }

            await Task.Delay(Glance, time, cancellation);
        }
    }

    private async Task TellWhatStaysAsync(KubeObject definition, CancellationToken cancellation)
    {
        var kind = OperatorManifests.Defined(definition);
        var way = OperatorManifests.Dialects.Where(d => OperatorManifests.JobsOf(d.Dialect) == kind).Select(static d => $"--crd --dialect {d.Dialect}").FirstOrDefault("--crd");
        try
        {
            var jobs = (await client.ListAsync(kind, null, new ListOptions(), cancellation)).Items;
            var unfinished = jobs.Count(static j => !Conditions.IsTrue(j.Root.At("status"), "Succeeded") && !Conditions.IsTrue(j.Root.At("status"), "Failed"));
            say($"{Name(definition)} stays, with {jobs.Count} jobs{(unfinished > 0 ? $"; {unfinished} of them unfinished: their pods run on, and nobody follows them until an operator is installed again" : "")} ({way} deletes it, and every job with it)");
        }
        catch (ApiException e) when (e.IsNotFound || e.Responsibility == Responsibility.Administrator)
        {
            if (!e.IsNotFound) say($"{Name(definition)} stays ({way} deletes it, and every job with it)");
        }
    }

    /// <summary>Whether a namespace holds what is not the operator's: jobs, or pods of anybody.</summary>
    private async Task<bool> IsInUseAsync(string ns, ImmutableArray<KubeObject> definitions, CancellationToken cancellation)
    {
        var pods = (await client.ListAsync(Kinds.Pod, ns, new ListOptions($"app!={OperatorManifests.Name}"), cancellation)).Items.Count;
        var jobs = 0;
        foreach (var definition in definitions)
        {
            try
            {
                jobs += (await client.ListAsync(OperatorManifests.Defined(definition), ns, new ListOptions(), cancellation)).Items.Count;
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // There is no such kind, or none any more.
            }
        }

        if (pods + jobs > 0) say($"Namespace {ns} stays: it holds {jobs} MPI jobs and {pods} other pods");
        return pods + jobs > 0;
    }

    private async Task DeleteAsync(ResourceKind kind, KubeObject obj, CancellationToken cancellation)
    {
        show($"deleting {Name(obj)}");
        try
        {
            await client.DeleteAsync(kind, Namespace(obj), obj.Meta.Name, new DeleteOptions(Propagation: "Background"), cancellation);
            say($"{Name(obj)} deleted");
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // It was not there, or went with its namespace.
        }
    }

    private async Task<bool> FindAsync(ResourceKind kind, string? ns, string name, CancellationToken cancellation)
    {
        try
        {
            await client.GetAsync(kind, ns, name, cancellation);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    /// <summary>Whether an operator is for its own namespace alone.</summary>
    internal static bool IsNamespaced(KubeObject deployment) =>
        deployment.Root.Items("spec", "template", "spec", "containers").SelectMany(static c => c.Words("args").Concat(c.Words("command"))).Any(static w => w.TrimStart('-').StartsWith("namespace", StringComparison.Ordinal));

    private static string? Namespace(KubeObject obj) => obj.Meta.Namespace.Length > 0 ? obj.Meta.Namespace : null;

    private static string Name(KubeObject obj) => obj.Meta.Namespace.Length > 0 ? $"{obj.Kind} {obj.Meta.Namespace}/{obj.Meta.Name}" : $"{obj.Kind} {obj.Meta.Name}";
}
