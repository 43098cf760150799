using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// An old version of kubeflow's MPIJob as manifests have it. Its jobs are stored as v2beta1, and <see cref="KubeflowV2Beta1Dialect"/> runs them by the
/// promises of their origin: so a manifest means what its converted self means, and its faults have its own paths.
/// </summary>
internal sealed partial class OldKubeflowDialect(KubeflowVersion version, KubeflowV2Beta1Dialect stored) : IManifestDialect
{
    public ResourceKind Kind => version.Kind;
    public string WatchedPods => stored.WatchedPods;
    public IRunStatusFormat Status => stored.Status;
    public bool MakesStatefulSets => stored.MakesStatefulSets;
    public string Definition => CustomResources.LegacyMpiJobs();
    public string Fields => version.Fields;

    public string? JobOf(IReadOnlyDictionary<string, string> podLabels) => stored.JobOf(podLabels);

    public ParseResult Parse(JsonElement manifest) =>
        Stored(manifest) is { } hub ? stored.Parse(hub) : new ParseResult.Rejected([FieldError.Invalid("", "", "the manifest holds text that is not valid Unicode", "Save it as UTF-8.")]);

    public RunProfile Profile(ObjectMeta job) => version.Profile(stored.Profile(job));

    public RunWiring Wiring(MpiRun run) => stored.Wiring(run);

    /// <summary>Their first line.</summary>
    public string FieldsOf(JsonElement manifest) => Fields[..Fields.IndexOf(' ', StringComparison.Ordinal)];

    /// <summary>Old versions keep what they do not know, and took a command that was written as text.</summary>
    public FindingSeverity Judge(FindingSeverity severity, FieldError error) =>
        error.Kind == FieldErrorKind.UnknownField || Command().IsMatch(error.Path) ? FindingSeverity.Warning : severity;

    /// <summary>About what the job is stored as; two roles may have one template here.</summary>
    public void Advise(JsonElement manifest, Func<string, long, string?>? homeOf, Advice advice)
    {
        if (Stored(manifest) is { } hub) ((IManifestDialect)stored).Advise(hub, homeOf, advice.From(path => PathOf(path, manifest)));
    }

    /// <summary>A path of the stored manifest as this one has it.</summary>
    public string PathOf(string storedPath, JsonElement manifest) => version.PathOf(storedPath, manifest);

    /// <summary>The manifest as it would be stored, read as this version whatever it calls itself; null where it holds what is no text.</summary>
    private JsonElement? Stored(JsonElement manifest)
    {
        if (!JsonText.IsSound(manifest) || manifest.ToTree() is not JsonObject tree) return null;
        tree["apiVersion"] = Kind.ApiVersion;
        return JsonText.Parse(KubeflowConversion.Convert(tree, stored.Kind.ApiVersion, stored.Conversion));
    }

    [GeneratedRegex(@"ontainers\[[0-9]+\]\.(command|(command|args)\[[0-9]+\])$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Command();
}
