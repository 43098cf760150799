using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Cli;

/// <summary>
/// The objects that a run makes, in the order in which they stand in the manifest, and what takes exactly those away again where
/// the cluster outlives the run.
/// </summary>
internal sealed class RunObjects(KubeClient client, TimeProvider time)
{
    private readonly Stack<(ResourceKind Kind, KubeObject Object)> _made = [];

    /// <returns>The jobs; null when the API refused an object, and what it said has been told.</returns>
    public async Task<ImmutableArray<StartedJob>?> CreateAsync(ManifestFile manifest, Action<string> say, CancellationToken cancellation)
    {
        var started = ImmutableArray.CreateBuilder<StartedJob>();
        foreach (var ns in manifest.Objects.Select(static o => o.Object.Meta.Namespace).Distinct().Where(static n => n.Length > 0 && n != "default"))
        {
            if (!manifest.Objects.Any(o => o.Kind == Kinds.Namespace && o.Object.Meta.Name == ns)) await EnsureNamespaceAsync(ns, cancellation);
        }

        foreach (var item in manifest.Objects)
        {
            try
            {
                var at = time.GetTimestamp();
                var created = await client.CreateAsync(item.Kind, item.Object, cancellation);
                _made.Push((item.Kind, created));
                if (ManifestDialects.For(created.ApiVersion, created.Kind) is not null) started.Add(new StartedJob(item.Kind, created, at));
            }
            catch (ApiException refusal) when (refusal.Responsibility is Responsibility.User or Responsibility.Replan)
            {
                say($"{manifest.Path}: {item.Kind} {item.Object.Meta.Key}: {refusal.Message}");
                if (refusal.IsAlreadyExists) say($"kubempi: the running local cluster has it from before; kubectl delete -f {manifest.Path} removes it, and kubempi run --private takes a cluster of its own.");
                return null;
            }
        }

        return started.ToImmutable();
    }

    /// <summary>Deletes what was made, the last first; garbage collection sees to what belongs to it.</summary>
    public async Task DeleteAsync(CancellationToken cancellation)
    {
        while (_made.TryPop(out var made))
        {
            try
            {
                await client.DeleteAsync(made.Kind, made.Object.Meta.Namespace, made.Object.Meta.Name, new DeleteOptions(Uid: made.Object.Meta.Uid, Propagation: "Background"), cancellation);
            }
            catch (ApiException gone) when (gone.IsNotFound || gone.IsConflict)
            {
                // Somebody else deleted it, and perhaps made another one of that name.
            }
        }
    }

    private async Task EnsureNamespaceAsync(string ns, CancellationToken cancellation)
    {
        try
        {
            _made.Push((Kinds.Namespace, await client.CreateAsync(Kinds.Namespace, KubeObject.Parse($$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{ns}}}"}}"""), cancellation)));
        }
        catch (ApiException present) when (present.IsAlreadyExists)
        {
            // In a cluster that was there before, and so it stays.
        }
    }
}
