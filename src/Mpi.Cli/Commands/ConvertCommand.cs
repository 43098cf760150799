using System.CommandLine;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Cli;

/// <summary><c>kubempi convert FILE --to API_VERSION</c>: the manifest in another version of its kind, with nothing lost; no cluster is asked.</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A manifest of any number of objects; - reads standard input." }.WithoutOptions();
        var to = new Option<string>("--to") { Description = $"What its MPI jobs become: {string.Join(", ", KubeflowConversion.ApiVersions)}." };
        var gpus = new Option<int>("--gpus-per-node") { Description = "GPUs of a node, for v1alpha1 jobs that do not say.", DefaultValueFactory = static _ => ConversionSettings.Default.GpusPerNode };
        var units = new Option<int>("--processing-units-per-node") { Description = "Processing units of a node, for v1alpha1 jobs that do not say.", DefaultValueFactory = static _ => ConversionSettings.Default.ProcessingUnitsPerNode };
        var resource = new Option<string>("--processing-resource-type") { Description = "What a processing unit is, for v1alpha1 jobs that do not say: nvidia.com/gpu or cpu.", DefaultValueFactory = static _ => ConversionSettings.Default.ProcessingResourceType };
        var command = new Command("convert", "Write a manifest in another version of its API, offline; what has no counterpart there is named, and kept in an annotation.") { file, to, gpus, units, resource };
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
        if (to is null || !KubeflowConversion.Knows(to))
        {
            Say($"{(to is null ? "--to must say a version of MPIJob" : $"--to {to} is no version of MPIJob")}; these are: {string.Join(", ", KubeflowConversion.ApiVersions)}");
            return ExitCode.Usage;
        }

        if (ManifestFile.ReadText(file, Say) is not { } text) return ExitCode.Usage;
        try
        {
            var documents = Yaml.Read(text);
            if (documents.Count == 0) Say($"{file} holds no object");
            var written = documents.Select(document => Yaml.Write(KubeObject.From(Convert(document, file, to, settings)).Root)).ToList();
            Console.Out.Write(string.Join("---\n", written));
            return documents.Count > 0 ? ExitCode.Success : ExitCode.Usage;
        }
        catch (YamlSyntaxException fault)
        {
            Say($"{file}:{fault.Line}: {fault.Fault}");
            return ExitCode.Usage;
        }
    }

    /// <summary>What is no MPIJob stays as it is.</summary>
    private static JsonObject Convert(YamlDocument document, string file, string to, ConversionSettings settings)
    {
        var obj = KubeObject.From(document.Root);
        if (obj.Kind != "MPIJob" || !KubeflowConversion.Knows(obj.ApiVersion)) return document.Root;
        var converted = KubeflowConversion.Convert(document.Root, to, settings);
        var place = $"{file}:{document.Positions.Start.Line}: MPIJob {obj.Meta.Name}";
        if (KubeflowConversion.Kept(converted, obj.ApiVersion) is { IsEmpty: false } kept) Say($"{place}: {to} has no counterpart of {string.Join(", ", kept)}; kept in an annotation");
        if (converted["metadata"]?["annotations"]?[KubeMpiAnnotations.Lost] is { } lost) Say($"{place}: lost, because an annotation cannot hold it: {lost}");
        return converted;
    }

    private static void Say(string what) => Console.Error.WriteLine($"kubempi convert: {what}");
}
