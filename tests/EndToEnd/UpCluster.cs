using Kube.Client;
using Kube.Types;
using Mpi.Planning;

namespace EndToEnd;

/// <summary>A cluster of <c>kubempi up</c> that the tests of a class share, and jobs that <c>kubempi run</c> runs in it.</summary>
public sealed class UpCluster : IAsyncLifetime
{
    /// <summary>The domain of its names, which is not the usual one: nothing may count on that.</summary>
    public const string Domain = "corp.example";

    private readonly Household _house = new(TimeSpan.FromMinutes(20));

    public KubeClient Client { get; private set; } = null!;

    public CancellationToken Limit => _house.Limit;

    public async ValueTask InitializeAsync()
    {
        _house.Lookout.Planning = new PlanningOptions { ClusterDomain = Domain };
        (await _house.RunAsync("up", "--cluster-domain", Domain)).ShouldEndWith(0);
        Client = Cluster.Connect(_house);
        // The operator looks every other minute whether a gang scheduler was installed: the sooner, the less is waited for.
        foreach (var (group, version) in new[] { ("scheduling.x-k8s.io", "v1alpha1"), ("scheduling.volcano.sh", "v1beta1") })
        {
            await Client.CreateAsync(Kinds.CustomResourceDefinition, PodGroups(group, version), Limit);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        await _house.DisposeAsync();
    }

    private static KubeObject PodGroups(string group, string version) => KubeObject.From(Yaml.Read($$$"""
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: { name: podgroups.{{{group}}} }
        spec:
          group: {{{group}}}
          scope: Namespaced
          names: { kind: PodGroup, plural: podgroups }
          versions:
            - { name: {{{version}}}, served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }
        """)[0].Root);

    /// <summary>Runs a manifest to its end, and what is given beside it as soon as the job is there.</summary>
    internal async Task<KubempiResult> RunAsync(string manifest, Func<Task>? beside = null)
    {
        var file = Path.Combine(_house.Home, $"{Guid.NewGuid()}.yaml");
        await File.WriteAllTextAsync(file, manifest, Limit);
        var run = _house.RunAsync("run", "--keep", file);
        // A run that ends early says why, which what goes on beside it cannot know.
        if (beside?.Invoke() is { } besides && await Task.WhenAny(run, besides) == besides) await besides;
        return await run;
    }

    /// <summary>Waits until an object is as wanted.</summary>
    public async Task<KubeObject> UntilAsync(ResourceKind kind, string name, Func<KubeObject, bool> wanted)
    {
        while (true)
        {
            try
            {
                if (await Client.GetAsync(kind, "default", name, Limit) is var found && wanted(found)) return found;
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // Not made yet.
            }

            await Task.Delay(100, Limit);
        }
    }

    /// <summary>The names of the pods of a job.</summary>
    public async Task<IReadOnlyList<string>> PodsAsync(string job) => [.. (await Client.ListAsync(Kinds.Pod, "default", new ListOptions(LabelSelector: $"training.kubeflow.org/job-name={job}"), Limit)).Items.Select(static p => p.Meta.Name)];
}
