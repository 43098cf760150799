using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>
/// Conversion of MPIJobs between all of kubeflow's versions, by way of the stored one, v2beta1. Pure, deterministic and total: whatever the
/// object holds it is converted and nothing throws, and of its metadata only annotations change.
/// <para>
/// Nothing is lost. What the target cannot say, a conversion back would not bring back: it is exactly the difference between the source and
/// its translation there and back, and goes into an annotation (<see cref="KeptValues"/>).
/// </para>
/// </summary>
public static class KubeflowConversion
{
    /// <summary>All versions, the stored one first.</summary>
    public static ImmutableArray<string> ApiVersions { get; } = [KubeflowV2Beta1Dialect.MpiJob.ApiVersion, .. KubeflowVersions.All.Select(static v => v.Kind.ApiVersion)];

    /// <summary>Whether an object of this apiVersion can be converted, to and from.</summary>
    public static bool Knows(string apiVersion) => ApiVersions.Contains(apiVersion);

    /// <summary>The fields of a version that a converted job holds in an annotation alone, such as <c>spec.mainContainer</c>.</summary>
    public static ImmutableArray<string> Kept(JsonObject job, string apiVersion) =>
        job["metadata"]?["annotations"]?[KubeMpiAnnotations.Kept(apiVersion[(apiVersion.IndexOf('/') + 1)..])] is JsonValue value && value.TryGetValue<string>(out var text) && KeptValues.Parse(text) is { } kept
            ? [.. kept.Changes.Where(static c => c.ContainsKey("value")).Select(static c => string.Join('.', JsonDelta.PathOf(c))).Distinct(StringComparer.Ordinal)]
            : [];

    /// <param name="job">An MPIJob; its <c>apiVersion</c> says which. It is left as it is.</param>
    /// <param name="apiVersion">What it is to become.</param>
    /// <param name="settings">The installation's.</param>
    /// <exception cref="ArgumentException">One of the two is no version of MPIJob (<see cref="Knows"/>).</exception>
    public static JsonObject Convert(JsonObject job, string apiVersion, ConversionSettings settings)
    {
        var present = job["apiVersion"] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
        if (!Knows(present) || !Knows(apiVersion)) throw new ArgumentException($"no conversion of MPIJob from {present} to {apiVersion}", nameof(apiVersion));
        if (present == apiVersion) return (JsonObject)job.DeepClone();
        if (!JsonText.TryRead(job, out var source))
        {
            // Text that is no Unicode: no API server hands that out, and none takes it.
            var renamed = (JsonObject)job.DeepClone();
            renamed["apiVersion"] = apiVersion;
            return renamed;
        }

        if (KubeflowVersions.Of(present) is not { } from) return FromHub(source, KubeflowVersions.Of(apiVersion)!, settings);
        var hub = ToHub(source, from, settings);
        return KubeflowVersions.Of(apiVersion) is { } to ? FromHub(JsonText.Parse(hub), to, settings) : hub;
    }

    /// <summary>A stored job in the words of the version that it was written in.</summary>
    internal static JsonElement AsWritten(JsonElement hub, KubeflowVersion origin, ConversionSettings settings) => JsonText.Parse(FromHub(hub, origin, settings));

    /// <summary>What the stored version's schema refuses of what a job asks for, in that version's paths.</summary>
    internal static List<FieldError> Unfit(JsonElement job, KubeflowVersion version, ConversionSettings settings)
    {
        var (faults, wanted) = (new List<FieldError>(), version.ToHub(job, settings));
        wanted.Remove("status");
        HubSchema.V2Beta1.Fit(JsonText.Parse(wanted), faults.Add);
        return faults;
    }

    private static JsonObject ToHub(JsonElement source, KubeflowVersion from, ConversionSettings settings) => new Translation(
        new Side(from.Version, from.Kind.ApiVersion, from.GroupOf, job => from.FromHub(job)),
        new Side(Hub, KubeflowV2Beta1Dialect.MpiJob.ApiVersion, KubeflowVersion.Default, job => HubSchema.V2Beta1.Fit(JsonText.Parse(from.ToHub(job, settings))))).Of(source);

    private static JsonObject FromHub(JsonElement source, KubeflowVersion to, ConversionSettings settings) => new Translation(
        new Side(Hub, KubeflowV2Beta1Dialect.MpiJob.ApiVersion, KubeflowVersion.Default, job => HubSchema.V2Beta1.Fit(JsonText.Parse(to.ToHub(job, settings)))),
        new Side(to.Version, to.Kind.ApiVersion, to.GroupOf, job => to.FromHub(job))).Of(source);

    private static readonly string Hub = KubeflowV2Beta1Dialect.MpiJob.Version;

    /// <summary>One of the two versions of a translation.</summary>
    /// <param name="GroupOf">Which of its fields stand or fall together.</param>
    /// <param name="Body">The body of an object of this version from one of the other.</param>
    private sealed record Side(string Version, string ApiVersion, FieldGroup GroupOf, Func<JsonElement, JsonObject> Body);

    /// <summary>One conversion, <paramref name="from"/> the source's version <paramref name="to"/> the target's.</summary>
    private sealed class Translation(Side from, Side to)
    {
        public JsonObject Of(JsonElement job)
        {
            var annotations = JobAnnotations.Read(job, out var canKeep);

            // 1. What is meant, and what an earlier conversion from the target's version could not say of it here.
            var target = to.Body(job);
            var kept = annotations.Remove(KubeMpiAnnotations.Kept(to.Version), out var text) ? KeptValues.Parse(text) : null;
            if (kept is not null) target = Recall(target, kept, job);

            // 2. What a conversion back would not find again.
            annotations.Remove(KubeMpiAnnotations.Kept(from.Version));
            var result = Whole(target, job);
            var lost = JsonDelta.Between(JsonText.Parse(from.Body(JsonText.Parse(result))), Body(job));
            if (lost.Count > 0)
            {
                var written = KeptValues.Of(lost, JsonText.Parse(result)).Write(from.GroupOf, out var dropped);
                if (written is not null) annotations[KubeMpiAnnotations.Kept(from.Version)] = written;
                if (dropped.Length > 0) annotations[KubeMpiAnnotations.Lost] = $"{from.Version}: {dropped}";
            }

            JobAnnotations.NoteOrigin(annotations, from.Version, to.Version);
            if (canKeep) JobAnnotations.Write(result, annotations);
            return result;
        }

        /// <summary>
        /// All that was kept, where the source is as it was then. Of one that was edited since, each group of fields that still means what the source says: with
        /// it, the translation back must not differ from the source anywhere that it did not differ without it.
        /// </summary>
        private JsonObject Recall(JsonObject target, KeptValues kept, JsonElement source)
        {
            foreach (var part in kept.Parts(source))
            {
                if (part.IsUnchanged && JsonDelta.Apply(target, part.Operations) is { } whole)
                {
                    target = whole;
                    continue;
                }

                var strays = Strays(target, source);
                foreach (var group in part.Operations.GroupBy(o => to.GroupOf(JsonDelta.PathOf(o))))
                {
                    if (JsonDelta.Apply(target, group) is not { } candidate) continue;
                    var after = Strays(candidate, source);
                    if (!after.TrueForAll(path => strays.Exists(known => IsWithin(path, known)))) continue;
                    (target, strays) = (candidate, after);
                }
            }

            foreach (var member in Untouchable) target.Remove(member);
            return target;
        }

        /// <summary>Where the translation back of a target is not the source.</summary>
        private List<string> Strays(JsonObject target, JsonElement source) =>
            [.. JsonDelta.Between(Body(source), JsonText.Parse(from.Body(JsonText.Parse(Whole(target, source))))).Select(static o => o["path"]!.ToString())];

        private JsonObject Whole(JsonObject body, JsonElement job)
        {
            var whole = new JsonObject { ["apiVersion"] = to.ApiVersion };
            foreach (var member in (ReadOnlySpan<string>)["kind", "metadata"])
            {
                if (job.At(member).ValueKind != JsonValueKind.Undefined) whole[member] = job.At(member).ToTree();
            }

            foreach (var (name, value) in body)
            {
                if (!Untouchable.Contains(name)) whole[name] = value?.DeepClone();
            }

            return whole;
        }

        private static bool IsWithin(string path, string known) => path == known || path.StartsWith(known + "/", StringComparison.Ordinal);
    }

    private static readonly string[] Untouchable = ["apiVersion", "kind", "metadata"];

    /// <summary>All that is converted.</summary>
    private static JsonElement Body(JsonElement job)
    {
        var body = new JsonObject();
        foreach (var member in job.Members())
        {
            if (!Untouchable.Contains(member.Name)) body[member.Name] = member.Value.ToTree();
        }

        return JsonText.Parse(body);
    }
}

/// <summary>See <see cref="KubeflowVersion.GroupOf"/>.</summary>
internal delegate string FieldGroup(ReadOnlySpan<string> path);
