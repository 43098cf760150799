using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>
/// How many workers a v1alpha1 job has and what each of them gets, from one of three ways to ask: <c>gpus</c>, <c>processingUnits</c>,
/// <c>replicas</c> (spec/kubeflow-mpijob.md 7.2).
/// </summary>
/// <param name="Resource">The resource whose limit in the workers' first container is <paramref name="Units"/>.</param>
/// <param name="Workers">Null without workers, and where there are faults.</param>
/// <param name="Units">Of a worker.</param>
internal sealed record WorkerSizing(string Resource, long? Workers, long Units)
{
    private const string Gpu = "nvidia.com/gpu";

    public ImmutableArray<FieldError> Faults { get; private init; } = [];

    /// <summary>Ranks a worker that does not say.</summary>
    public long Slots => Math.Max(1, Units);

    public static WorkerSizing Of(JsonElement spec, ConversionSettings settings)
    {
        var read = new FieldReader();
        var gpus = read.Int32(spec, "gpus", "spec.gpus");
        var units = read.Int32(spec, "processingUnits", "spec.processingUnits");
        if (gpus is not null && units is not null)
        {
            read.Add(FieldError.Invalid("spec.gpus", Print(gpus.Value), "Cannot specify both GPUs and ProcessingUnits at the same time", "Remove one of them."));
        }

        var resource = ResourceOf(spec, settings, gpus is not null);
        var sizing = (gpus, units) switch
        {
            ({ } wanted, _) => Divide(wanted, "gpus", "gpusPerNode", "GPUs", spec, settings.GpusPerNode, resource, read),
            (_, { } wanted) => Divide(wanted, "processingUnits", "processingUnitsPerNode", "ProcessingUnits", spec, settings.ProcessingUnitsPerNode, resource, read),
            _ => new WorkerSizing(resource, spec.Integer("replicas"), LimitOf(spec.At("template"), resource)),
        };
        return read.Errors.IsEmpty ? sizing : sizing with { Workers = null, Faults = read.Errors };
    }

    private static WorkerSizing Divide(int wanted, string field, string perNodeField, string name, JsonElement spec, int standard, string resource, FieldReader read)
    {
        var perNode = read.Int32(spec, perNodeField, $"spec.{perNodeField}") ?? standard;
        if (perNode < 1) read.Add(FieldError.Invalid($"spec.{perNodeField}", Print(perNode), "must be greater than or equal to 1", "Write how many a node has, or leave it out."));
        if (wanted < 1) read.Add(FieldError.Invalid($"spec.{field}", Print(wanted), "must be greater than or equal to 1", "Write how many the job needs in all."));
        if (wanted < 1 || perNode < 1) return new WorkerSizing(resource, null, 0);
        if (wanted < perNode) return new WorkerSizing(resource, 1, wanted);
        if (wanted % perNode == 0) return new WorkerSizing(resource, wanted / perNode, perNode);
        var below = wanted / perNode * perNode;
        read.Add(FieldError.Invalid(
            $"spec.{field}", Print(wanted), $"specified #{name} is not a multiple of {name} per node ({Print(perNode)})", $"Write {Print(below)} or {Print(below + (long)perNode)}, or fewer than {Print(perNode)}."));
        return new WorkerSizing(resource, null, 0);
    }

    /// <summary>An unknown type is a GPU, as it always was.</summary>
    private static string ResourceOf(JsonElement spec, ConversionSettings settings, bool isGpu) =>
        !isGpu && (spec.Text("processingResourceType") is { Length: > 0 } asked ? asked : settings.ProcessingResourceType) == "cpu" ? "cpu" : Gpu;

    private static long LimitOf(JsonElement template, string resource)
    {
        var limit = template.Items("spec", "containers").FirstOrDefault().At("resources", "limits", resource);
        return Quantity.Read(limit) is { } quantity && quantity == Quantity.FromUnits(quantity.Units) && quantity.Sign > 0 ? quantity.Units : 0;
    }

    private static string Print(long number) => number.ToString(CultureInfo.InvariantCulture);
}
