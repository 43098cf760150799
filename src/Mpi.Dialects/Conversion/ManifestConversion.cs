using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// Turns a manifest of one dialect into one of another. Within kubeflow's group nothing is lost (<see cref="KubeflowConversion"/>); between systems it
/// goes by way of <c>kubeflow.org/v2beta1</c>, says what is meant, and names every field that has no counterpart. Pure.
/// </summary>
public static class ManifestConversion
{
    /// <summary>All that a job can become.</summary>
    public static ImmutableArray<string> ApiVersions { get; } =
        [.. KubeflowConversion.ApiVersions, .. ManifestDialects.Known.Select(static d => d.Kind.ApiVersion).Except(KubeflowConversion.ApiVersions)];

    /// <param name="manifest">Of any dialect.</param>
    /// <param name="apiVersion">One of <see cref="ApiVersions"/>.</param>
    /// <param name="settings">The installation's.</param>
    /// <returns>Null for what is no MPI job.</returns>
    /// <exception cref="ArgumentException">It is none of them.</exception>
    public static ConvertedManifest? Convert(JsonObject manifest, string apiVersion, ConversionSettings settings)
    {
        var to = ManifestDialects.Readable.FirstOrDefault(d => d.Kind.ApiVersion == apiVersion) ?? throw new ArgumentException($"{apiVersion} is no version of an MPI job", nameof(apiVersion));
        if (!JsonText.TryRead(manifest, out var read) || ManifestDialects.Find(read.Text("apiVersion") ?? "", read.Text("kind") ?? "") is not { } from) return null;
        if (from.Kind == to.Kind) return new ConvertedManifest { Job = (JsonObject)manifest.DeepClone() };
        if (from.Translation is null && to.Translation is null)
        {
            var converted = KubeflowConversion.Convert(manifest, apiVersion, settings);
            return new ConvertedManifest { Job = converted, Kept = KubeflowConversion.Kept(converted, from.Kind.ApiVersion) };
        }

        // Of another system's job only the meaning can be said, and what is refused has none.
        return from.Parse(read) is ParseResult.Rejected { Errors: var faults } ? new ConvertedManifest { Faults = faults } : Translate(manifest, from, to, settings);
    }

    private static ConvertedManifest Translate(JsonObject manifest, IManifestDialect from, IManifestDialect to, ConversionSettings settings)
    {
        var hub = KubeflowV2Beta1Dialect.MpiJob;
        var (job, left, remarks, faults) = (manifest, new List<string>(), new List<ManifestWarning>(), new List<FieldError>());

        // 1. Into the words of v2beta1.
        if (from.Translation is { } source) job = Step(job, hub, source.ToHub, static path => path);
        else if (from.Kind != hub) job = KubeflowConversion.Convert(job, hub.ApiVersion, settings);

        // 2. Into those of the target.
        ImmutableArray<string> kept = [];
        if (to.Translation is { } target)
        {
            var written = JsonText.Parse(manifest);
            left.AddRange(KubeflowConversion.ApiVersions.SelectMany(version => KubeflowConversion.Kept(job, version)));
            job = Step(job, to.Kind, target.FromHub, path => (from as OldKubeflowDialect)?.PathOf(path, written) ?? path);
        }
        else if (to.Kind != hub)
        {
            job = KubeflowConversion.Convert(job, to.Kind.ApiVersion, settings);
            kept = KubeflowConversion.Kept(job, hub.ApiVersion);
        }

        // 3. What its own operator would refuse is no job.
        if (faults.Count == 0 && to.Parse(JsonText.Parse(job)) is ParseResult.Rejected rejected) faults.AddRange(rejected.Errors);
        return new ConvertedManifest
        {
            Job = faults.Count == 0 ? job : null,
            Kept = kept,
            Left = [.. left.Distinct(StringComparer.Ordinal)],
            Remarks = [.. remarks],
            Faults = [.. faults],
        };

        JsonObject Step(JsonObject tree, ResourceKind kind, Func<JobInTransit, JsonObject> translate, Func<string, string> pathOf)
        {
            var transit = new JobInTransit(JsonText.Parse(tree));
            var spec = translate(transit);
            left.AddRange(transit.Left.Select(pathOf));
            faults.AddRange(transit.Faults.Select(f => f with { Path = pathOf(f.Path) }));
            remarks.AddRange(transit.Remarks.Select(r => r with { Path = pathOf(r.Path) }));
            var metadata = transit.Metadata;
            if (transit.Annotations.Count > 0) metadata["annotations"] = transit.Annotations;
            return new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = metadata, ["spec"] = spec };
        }
    }
}

/// <summary>What became of a manifest.</summary>
public sealed record ConvertedManifest
{
    /// <summary>Null where it could not become that: <see cref="Faults"/> say why.</summary>
    public JsonObject? Job { get; init; }

    /// <summary>Fields of the source that the result holds in an annotation alone, for a conversion back.</summary>
    public ImmutableArray<string> Kept { get; init; } = [];

    /// <summary>Fields of the source that the result has not.</summary>
    public ImmutableArray<string> Left { get; init; } = [];

    /// <summary>What is otherwise there than one would think.</summary>
    public ImmutableArray<ManifestWarning> Remarks { get; init; } = [];

    public ImmutableArray<FieldError> Faults { get; init; } = [];
}
