using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Model;

namespace Simulation;

/// <summary>One operator for jobs of several kinds, of which the cluster need not know all.</summary>
public sealed class SeveralKindsTests
{
    private static readonly ResourceKind Twin = new("example.org", "v1", "TwinJob", "twinjobs");
    private static readonly SimulationOptions Options = new(17) { Dialects = [new KubeflowV2Beta1Dialect(), new TwinDialect()], AlsoGranted = Twin };

    [Fact]
    public async Task A_kind_that_is_installed_later_is_found_and_its_jobs_run_beside_others_of_the_same_name()
    {
        await using var world = new SimulatedCluster(Options);
        world.Create(MpiJobs.Job("pi", 2), MpiJobs.Kind);
        world.RunUntil(() => world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, "Succeeded"), TimeSpan.FromMinutes(5), "the first kind's job is over");

        world.Create(Definition(), Kinds.CustomResourceDefinition);
        var twin = MpiJobs.Job("pi", 2);
        (twin["apiVersion"], twin["kind"]) = (Twin.ApiVersion, Twin.Kind);
        world.Create(twin, Twin);
        world.RunUntil(() => Has(world, Twin, "pi", "Running"), TimeSpan.FromMinutes(2), "the other kind's job runs");

        Assert.True(MpiJobs.Has(world.Find(MpiJobs.Kind, "pi")!, "Succeeded"));
        Assert.False(Has(world, Twin, "pi", "Succeeded"));
    }

    private static bool Has(SimulatedCluster world, ResourceKind kind, string name, string condition) =>
        MpiJobs.Has(SimulatedCluster.Now(world.Admin.GetAsync(kind, "default", name, CancellationToken.None)), condition);

    private static JsonObject Definition() => (JsonObject)JsonNode.Parse(
        """
        {
          "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "twinjobs.example.org"},
          "spec": {
            "group": "example.org", "scope": "Namespaced", "names": {"kind": "TwinJob", "plural": "twinjobs"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
              "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]
          }
        }
        """)!;

    /// <summary>kubeflow's jobs under another kind, with names of their own for their objects.</summary>
    private sealed class TwinDialect : IDialect
    {
        private readonly KubeflowV2Beta1Dialect _like = new();

        public ResourceKind Kind => Twin;

        public string WatchedPods => "twin=yes";

        public IRunStatusFormat Status => _like.Status;

        public string? JobOf(IReadOnlyDictionary<string, string> podLabels) => podLabels.GetValueOrDefault("twin-job");

        public ParseResult Parse(JsonElement manifest) => _like.Parse(manifest);

        public RunWiring Wiring(MpiRun run) => _like.Wiring(run);

        public RunProfile Profile(ObjectMeta job)
        {
            var profile = _like.Profile(job);
            var prefix = $"{job.Name}-twin-";
            var labels = ImmutableSortedDictionary<string, string>.Empty.Add("twin", "yes").Add("twin-job", job.Name);
            return profile with
            {
                JobKind = Twin,
                Service = $"{job.Name}-twin",
                ConfigMap = $"{prefix}config",
                SshSecret = $"{prefix}ssh",
                Agent = $"{prefix}agent",
                Launcher = $"{prefix}launcher",
                WorkerPrefix = $"{prefix}worker-",
                PodSelector = labels,
                LauncherLabels = labels,
                WorkerLabels = labels,
            };
        }
    }
}
