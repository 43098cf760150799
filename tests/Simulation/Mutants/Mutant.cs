using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Mpi.Model;
using Mpi.Operator;
using Mpi.Planning;

namespace Simulation;

/// <summary>An operator with one mistake in it, of the kind that people make and reviews let through.</summary>
/// <param name="Name">The mistake.</param>
/// <param name="Finder">The run that is known to find it. It is tried first and saves time; where it no longer does, all are tried in order.</param>
/// <param name="Break">Asked anew for each operator process: what a mistake remembers is gone after a crash.</param>
internal sealed record Mutant(string Name, string Finder, Func<OperatorParts, OperatorParts> Break);

/// <summary>The places where a mistake can sit: what the rules are told, what they say, what of it is carried out, and how requests are sent.</summary>
internal static class Mistaken
{
    public static Func<OperatorParts, OperatorParts> Rules(Func<Func<ObservedRun, Plan>, Func<ObservedRun, Plan>> mistake) => parts => parts with { Decide = mistake(parts.Decide) };

    /// <summary>Something is seen otherwise than it is.</summary>
    public static Func<OperatorParts, OperatorParts> Sight(Func<ObservedRun, ObservedRun> mistake) => Rules(decide => seen => decide(mistake(seen)));

    /// <summary>Something of the spec is read otherwise than the user wrote it.</summary>
    public static Func<OperatorParts, OperatorParts> Reading(Func<MpiRun, MpiRun> mistake) =>
        Sight(seen => seen.Parsed is ParseResult.Run { Value: var run } ? seen with { Parsed = new ParseResult.Run(mistake(run)) } : seen);

    /// <summary>Something that the status tells of earlier passes is taken otherwise.</summary>
    public static Func<OperatorParts, OperatorParts> Memory(Func<RecordedRun, RecordedRun> mistake) => Sight(seen => seen with { Dialect = new MistakenDialect(seen.Dialect) { Recalls = mistake } });

    /// <summary>Something wrong is written into the status.</summary>
    public static Func<OperatorParts, OperatorParts> Report(Func<ObservedRun, RunReport, RunReport> mistake) =>
        Sight(seen => seen with { Dialect = new MistakenDialect(seen.Dialect) { Reports = report => mistake(seen, report) } });

    public static Func<OperatorParts, OperatorParts> Plans(Func<ObservedRun, Plan, Plan> mistake) => Rules(decide => seen => mistake(seen, decide(seen)));

    /// <summary>An action is planned otherwise, or null: forgotten.</summary>
    public static Func<OperatorParts, OperatorParts> Action(Func<ObservedRun, PlanAction, PlanAction?> mistake) =>
        Plans((seen, plan) => plan with { Actions = [.. plan.Actions.Select(a => mistake(seen, a)).OfType<PlanAction>()] });

    /// <summary>The hosts are listed otherwise; a list that stands as the mistake would have it is left alone.</summary>
    public static Func<OperatorParts, OperatorParts> Hosts(Func<string[], IEnumerable<string>> mistake) => Action((seen, action) =>
    {
        if (seen.Parsed is not ParseResult.Run { Value: var run }) return action;
        var key = seen.Dialect.Wiring(run).Files.First(static f => f.Content is ConfigContent.Hosts).Key;
        switch (action)
        {
            case PlanAction.Create { Manifest: var manifest } create when Names(manifest):
                return create with { Manifest = Changed(manifest, m => Mislead((JsonObject)m["data"]!)) };
            case PlanAction.Patch { MergePatch: var patch } correct when Names(patch):
                var changed = Changed(patch, p => Mislead((JsonObject)p["data"]!));
                var data = ((JsonObject)changed["data"]!).Where(static e => e.Value is not null).Select(static e => KeyValuePair.Create(e.Key, e.Value!.GetValue<string>()));
                return seen.ConfigMaps[correct.Key.Name].Digest == ConfigMapView.DigestOf(data) ? null : correct with { MergePatch = changed };
            default:
                return action;
        }

        bool Names(JsonObject map) => map["data"] is JsonObject data && data.ContainsKey(key);

        void Mislead(JsonObject data) => data[key] = string.Concat(mistake(data[key]!.GetValue<string>().Split('\n', StringSplitOptions.RemoveEmptyEntries)).Select(static line => line + "\n"));
    });

    public static Func<OperatorParts, OperatorParts> Client(Func<IKubeClient, IKubeClient> mistake) => parts => parts with { Client = mistake(parts.Client) };

    /// <summary>A copy, changed: plans are never.</summary>
    public static JsonObject Changed(JsonObject of, Action<JsonObject> change)
    {
        var copy = (JsonObject)of.DeepClone();
        change(copy);
        return copy;
    }

    private sealed class MistakenDialect(IDialect inner) : IDialect, IRunStatusFormat
    {
        public Func<RecordedRun, RecordedRun> Recalls { get; init; } = static recorded => recorded;
        public Func<RunReport, RunReport> Reports { get; init; } = static report => report;

        public ResourceKind Kind => inner.Kind;
        public string WatchedPods => inner.WatchedPods;
        public IRunStatusFormat Status => this;
        public bool MakesStatefulSets => inner.MakesStatefulSets;
        public RivalController? Rival => inner.Rival;

        public string? JobOf(IReadOnlyDictionary<string, string> podLabels) => inner.JobOf(podLabels);
        public ParseResult Parse(JsonElement manifest) => inner.Parse(manifest);
        public RunProfile Profile(ObjectMeta job) => inner.Profile(job);
        public RunWiring Wiring(MpiRun run) => inner.Wiring(run);

        public RecordedRun Read(JsonElement status) => Recalls(inner.Status.Read(status));
        public JsonObject Write(JsonElement status, ObjectMeta job, RunReport report, DateTimeOffset now) => inner.Status.Write(status, job, Reports(report), now);
    }
}

/// <summary>A client that sends some requests otherwise, or takes an answer for another.</summary>
internal sealed class MistakenClient(IKubeClient inner) : IKubeClient
{
    public Func<KubeObject, KubeObject> Read { get; init; } = static read => read;
    public Func<Func<Task<KubeObject>>, ResourceKind, KubeObject, Task<KubeObject>> Create { get; init; } = static (send, _, _) => send();
    public Func<Func<Task<KubeObject>>, ResourceKind, KubeObject, Task<KubeObject>> Update { get; init; } = static (send, _, _) => send();
    public Func<Func<Task<KubeObject>>, ResourceKind, ObjectKey, Task<KubeObject>> Patched { get; init; } = static (send, _, _) => send();
    public Func<Patch, Patch> Body { get; init; } = static patch => patch;
    public Func<DeleteOptions, DeleteOptions> How { get; init; } = static options => options;
    public Func<Func<Task>, ResourceKind, Task> Delete { get; init; } = static (send, _) => send();

    public async Task<KubeObject> GetAsync(ResourceKind kind, string? ns, string name, CancellationToken cancellation) => Read(await inner.GetAsync(kind, ns, name, cancellation));

    public Task<ListPage> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken cancellation) => inner.ListAsync(kind, ns, options, cancellation);

    public Task<IWatch> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken cancellation) => inner.WatchAsync(kind, ns, options, cancellation);

    public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, CancellationToken cancellation) => Create(() => inner.CreateAsync(kind, obj, cancellation), kind, obj);

    public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, string subresource, CancellationToken cancellation) => inner.CreateAsync(kind, obj, subresource, cancellation);

    public Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, string? subresource, CancellationToken cancellation) => Update(() => inner.UpdateAsync(kind, obj, subresource, cancellation), kind, obj);

    public Task<KubeObject> PatchAsync(ResourceKind kind, string? ns, string name, Patch patch, string? subresource, CancellationToken cancellation) =>
        Patched(() => inner.PatchAsync(kind, ns, name, Body(patch), subresource, cancellation), kind, new ObjectKey(ns ?? "", name));

    public Task DeleteAsync(ResourceKind kind, string? ns, string name, DeleteOptions options, CancellationToken cancellation) => Delete(() => inner.DeleteAsync(kind, ns, name, How(options), cancellation), kind);

    public Task DeleteCollectionAsync(ResourceKind kind, string ns, ListOptions which, DeleteOptions options, CancellationToken cancellation) =>
        Delete(() => inner.DeleteCollectionAsync(kind, ns, which, How(options), cancellation), kind);
}
