using System.CommandLine;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Cli;

/// <summary><c>kubempi convert FILE --to API_VERSION</c>: the manifest in another dialect; no cluster is asked.</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A manifest of any number of objects; - reads standard input." }.WithoutOptions();
        var to = new Option<string>("--to") { Description = $"What its MPI jobs become: {string.Join(", ", ManifestConversion.ApiVersions)}." };
        var gpus = new Option<int>("--gpus-per-node") { Description = "GPUs of a node, for v1alpha1 jobs that do not say.", DefaultValueFactory = static _ => ConversionSettings.Default.GpusPerNode };
        var units = new Option<int>("--processing-units-per-node") { Description = "Processing units of a node, for v1alpha1 jobs that do not say.", DefaultValueFactory = static _ => ConversionSettings.Default.ProcessingUnitsPerNode };
        var resource = new Option<string>("--processing-resource-type") { Description = "What a processing unit is, for v1alpha1 jobs that do not say: nvidia.com/gpu or cpu.", DefaultValueFactory = static _ => ConversionSettings.Default.ProcessingResourceType };
        var command = new Command("convert", "Write a manifest in another version of its API, or for another system, offline; what has no counterpart there is named.") { file, to, gpus, units, resource };
        command.SetAction(parsed =>
        {
            var settings = new ConversionSettings
            {
                GpusPerNode = parsed.GetValue(gpus), ProcessingUnitsPerNode = parsed.GetValue(units), ProcessingResourceType = parsed.GetValue(resource) ?? "",
            };
            return Convert(parsed.GetRequiredValue(file), parsed.GetValue(to), settings);
        });
        return command;
    }

    private static int Convert(string file, string? to, ConversionSettings settings)
    {
        if (to is null || !ManifestConversion.ApiVersions.Contains(to))
        {
            Say($"{(to is null ? "--to must say a version" : $"--to {to} is no version")} of MPI jobs; these are: {string.Join(", ", ManifestConversion.ApiVersions)}");
            return ExitCode.Usage;
        }

        if (ManifestFile.ReadText(file, Say) is not { } text) return ExitCode.Usage;
        try
        {
            var documents = Yaml.Read(text);
            if (documents.Count == 0) Say($"{file} holds no object");
            var converted = documents.Select(document => Convert(document, file, to, settings)).ToList();
            // All or nothing: what is piped on should not be half of it.
            if (converted.Count == 0 || converted.Contains(null)) return ExitCode.Usage;
            Console.Out.Write(string.Join("---\n", converted.Select(static tree => Yaml.Write(KubeObject.From(tree!).Root))));
            return ExitCode.Success;
        }
        catch (YamlSyntaxException fault)
        {
            Say($"{file}:{fault.Line}: {fault.Fault}");
            return ExitCode.Usage;
        }
    }

    /// <summary>What is no MPI job stays as it is; null for one that cannot become what is asked for.</summary>
    private static JsonObject? Convert(YamlDocument document, string file, string to, ConversionSettings settings)
    {
        if (ManifestConversion.Convert(document.Root, to, settings) is not { } converted) return document.Root;
        var source = KubeObject.From(document.Root);
        var place = $"{file}:{document.Positions.Start.Line}: {source.Kind} {source.Meta.Name}";
        foreach (var fault in converted.Faults) Say($"{place}: cannot become {to}: {fault.Path}: {fault.Body}{(fault.Fix is { } fix ? $". {fix}" : "")}");
        if (!converted.Kept.IsEmpty) Say($"{place}: {to} has no counterpart of {string.Join(", ", converted.Kept)}; kept in an annotation");
        if (!converted.Left.IsEmpty) Say($"{place}: {to} has no counterpart of {string.Join(", ", converted.Left)}; left out");
        foreach (var remark in converted.Remarks) Say($"{place}: {remark.Path} {remark.Message}");
        if (converted.Job?["metadata"]?["annotations"]?[KubeMpiAnnotations.Lost] is { } lost) Say($"{place}: lost, because an annotation cannot hold it: {lost}");
        return converted.Job;
    }

    private static void Say(string what) => Console.Error.WriteLine($"kubempi convert: {what}");
}
