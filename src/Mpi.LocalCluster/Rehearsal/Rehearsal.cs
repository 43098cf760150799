using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Kube.ApiServer;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Operator;
using Mpi.Planning;

namespace Mpi.LocalCluster;

/// <summary>
/// What the operator makes of jobs, asked of the operator itself: it works in this thread against an API server that holds nothing else, workers are
/// said to run as soon as they exist, and what it creates is noted down. Nothing is started and no cluster asked; the same manifests give the same
/// objects, but for the keys in Secrets.
/// </summary>
/// <param name="Created">The operator's objects as it sent them, in order; without events.</param>
/// <param name="Jobs">The MPI jobs as they stand then, with the conditions that say why something is missing.</param>
public sealed record Rehearsal(ImmutableArray<KubeObject> Created, ImmutableArray<KubeObject> Jobs)
{
    /// <summary>Far more than any job takes; only ends what would never come to rest.</summary>
    private const int StepsMax = 1_000_000;

    /// <summary>Longer than an operator puts anything off that the world does not hold up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <param name="objects">Jobs and whatever they refer to, each with its namespace.</param>
    /// <param name="options">The operator's, as on the cluster that is meant; every gang scheduler that it knows is taken to be there.</param>
    /// <param name="cancellation">Ends the rehearsal.</param>
    /// <exception cref="ApiException">The API refuses one of the objects.</exception>
    public static async Task<Rehearsal> RunAsync(IReadOnlyList<(ResourceKind Kind, KubeObject Object)> objects, OperatorOptions options, CancellationToken cancellation)
    {
        // 1. A server with the definitions, and the user's objects on it.
        var clock = new RehearsalClock();
        using var server = new KubeApiServer(new ApiServerOptions { Random = new Random(1), Time = clock, Converters = VersionConversion.Converters });
        using var admin = new KubeClient(new InProcessHandler(server), InProcessHandler.BaseAddress, KubeClientOptions.Default, clock);
        foreach (var definition in CustomResources.All()) await admin.CreateAsync(Kinds.CustomResourceDefinition, KubeObject.From(Yaml.Read(definition)[0].Root), cancellation);
        foreach (var kinds in GangBackend.AllKinds.GroupBy(static k => (k.Group, k.Plural))) await admin.CreateAsync(Kinds.CustomResourceDefinition, GangDefinitions.Of([.. kinds], "for a rehearsal"), cancellation);
        await CreateAsync(admin, objects, cancellation);

        // 2. The operator, alone.
        var record = new CreationRecord(new InProcessHandler(server));
        using var client = new KubeClient(record, InProcessHandler.BaseAddress, KubeClientOptions.Default, clock);
        await using var process = new OperatorProcess(
            options with { LeaderElection = false },
            new OperatorParts { Client = client, Dialects = ManifestDialects.WithOldVersions(VersionConversion.Settings), Identity = "rehearsal", Random = new Random(2), Time = clock });
        ImmutableArray<ILoop> loops = [.. process.Loops];
        await RestAsync(loops, clock, cancellation);

        // 3. Workers run, StatefulSets' too: now come the launchers that waited for them.
        foreach (var set in (await admin.ListAsync(Kinds.StatefulSet, null, new ListOptions(), cancellation)).Items) await PopulateAsync(admin, set, cancellation);
        foreach (var pod in (await admin.ListAsync(Kinds.Pod, null, new ListOptions(), cancellation)).Items)
        {
            await admin.PatchAsync(Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name, Patch.Merge((JsonObject)JsonNode.Parse("""{"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}""")!), "status", cancellation);
        }

        await RestAsync(loops, clock, cancellation);
        var jobs = ImmutableArray.CreateBuilder<KubeObject>();
        foreach (var dialect in ManifestDialects.All) jobs.AddRange((await admin.ListAsync(dialect.Kind, null, new ListOptions(), cancellation)).Items);
        return new Rehearsal(record.Created, jobs.ToImmutable());
    }

    /// <summary>Makes the pods of a StatefulSet, as its controller would.</summary>
    private static async Task PopulateAsync(KubeClient admin, KubeObject set, CancellationToken cancellation)
    {
        for (var index = 0; index < (set.Root.Integer("spec", "replicas") ?? 1); index++)
        {
            var pod = (JsonObject)set.Root.At("spec", "template").ToTree()!;
            pod["apiVersion"] = Kinds.Pod.ApiVersion;
            pod["kind"] = Kinds.Pod.Kind;
            var metadata = pod.Object("metadata");
            metadata["name"] = $"{set.Meta.Name}-{index}";
            metadata["namespace"] = set.Meta.Namespace;
            metadata["ownerReferences"] = new JsonArray((JsonNode)new JsonObject
            {
                ["apiVersion"] = Kinds.StatefulSet.ApiVersion, ["kind"] = Kinds.StatefulSet.Kind, ["name"] = set.Meta.Name, ["uid"] = set.Meta.Uid, ["controller"] = true,
            });
            await admin.CreateAsync(Kinds.Pod, KubeObject.From(pod), cancellation);
        }
    }

    private static async Task CreateAsync(KubeClient admin, IReadOnlyList<(ResourceKind Kind, KubeObject Object)> objects, CancellationToken cancellation)
    {
        var present = (await admin.ListAsync(Kinds.Namespace, null, new ListOptions(), cancellation)).Items.Select(static n => n.Meta.Name);
        var made = objects.Where(static o => o.Kind == Kinds.Namespace).Select(static o => o.Object.Meta.Name);
        foreach (var missing in objects.Where(static o => o.Kind.Namespaced).Select(static o => o.Object.Meta.Namespace).Distinct().Except([.. present, .. made]))
        {
            await admin.CreateAsync(Kinds.Namespace, KubeObject.From(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = missing } }), cancellation);
        }

        foreach (var (kind, obj) in objects) await admin.CreateAsync(kind, obj, cancellation);
    }

    /// <summary>Steps, and lets time pass to what was put off, until nothing is left for <see cref="Patience"/>.</summary>
    private static async Task RestAsync(ImmutableArray<ILoop> loops, RehearsalClock clock, CancellationToken cancellation)
    {
        var (steps, end) = (0, clock.GetUtcNow() + Patience);
        while (true)
        {
            for (var progress = true; progress;)
            {
                progress = false;
                foreach (var loop in loops)
                {
                    while (await loop.StepAsync(cancellation))
                    {
                        progress = true;
                        if (++steps == StepsMax) throw new InvalidOperationException($"the operator has not come to rest within {StepsMax} steps; the last was {loop.Name}'s");
                    }
                }
            }

            // What was due already has just had its chance.
            if (loops.OfType<ITimedLoop>().Min(static l => l.NextDue) is not { } due || due > end || due <= clock.GetUtcNow()) return;
            clock.Now = due;
        }
    }

    /// <summary>Stands where it is put. The timers behind requests' limits are the system's.</summary>
    private sealed class RehearsalClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
        public override long GetTimestamp() => Now.Ticks;
    }
}
