using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// Checks a manifest before anything is created, and finds everything at once: what the operator would refuse, fields that
/// the API server would silently drop, and what users of ssh jobs usually get wrong. Pure.
/// </summary>
/// <param name="homeOf">
/// The home folder of a UID in an image, or null when the image or the user is unknown. Null altogether: rules about
/// homes are silent.
/// </param>
public sealed partial class ManifestValidator(Func<string, long, string?>? homeOf = null)
{
    private readonly List<ManifestFinding> _findings = [];

    /// <summary>Reads and checks a file's text. Never throws for what the text holds.</summary>
    public static ManifestReport Check(string text, Func<string, long, string?>? homeOf = null)
    {
        try
        {
            var documents = Yaml.Read(text);
            return new ManifestReport(documents, new ManifestValidator(homeOf).CheckAll(documents));
        }
        catch (YamlSyntaxException fault)
        {
            var place = new YamlPosition(fault.Line, fault.Column);
            return new ManifestReport([], [new(FindingSeverity.Error, "yaml", place, "", string.Create(CultureInfo.InvariantCulture, $"column {fault.Column}: {fault.Fault}"), null)]);
        }
    }

    private ImmutableArray<ManifestFinding> CheckAll(IReadOnlyList<YamlDocument> documents)
    {
        foreach (var document in documents) CheckDocument(document);
        if (documents.Count == 0) Add(FindingSeverity.Error, "", new YamlPosition(1, 1), "", "the file has no object", "Write an MPIJob.");
        // Rules find what they find in their own order; people read from top to bottom.
        return [.. _findings.OrderBy(static f => f.At.Line).ThenBy(static f => f.Severity)];
    }

    private void CheckDocument(YamlDocument document)
    {
        var root = JsonElement.Parse(document.Root.ToUtf8());
        var (apiVersion, kind) = (root.Text("apiVersion") ?? "", root.Text("kind") ?? "");
        var kindFault = KindFault(apiVersion, kind);
        if (kindFault is { } fault)
        {
            Add(FindingSeverity.Error, "", document.Positions.Locate(fault.Path), fault.Path, fault.Message, fault.Fix);
        }

        if (DialectMeant(apiVersion, kind) is { } dialect) CheckJob(document, root, dialect);
        else if (kindFault is null && !root.Has("metadata", "name") && !root.Has("metadata", "generateName")) Add(FindingSeverity.Error, "", document.Positions.Locate("metadata"), "metadata.name", "must have a name", $"Give the {kind} a name.");
    }

    private void CheckJob(YamlDocument document, JsonElement root, IManifestDialect dialect)
    {
        var told = new HashSet<string>(StringComparer.Ordinal);
        var parsed = dialect.Parse(WithName(document.Root, dialect));
        if (parsed is ParseResult.Rejected rejected)
        {
            foreach (var error in rejected.Errors) Tell(FindingSeverity.Error, error);
        }

        var advice = new Advice((severity, id, path, message, fix) => Add(severity, id, document.Positions.Locate(path), path, message, fix));
        if (parsed is ParseResult.Run { Value.Warnings: var warnings })
        {
            foreach (var warning in warnings.Where(w => told.Add(w.Path))) advice.Warn(warning.Reason == "ManifestWarning" ? "read-otherwise" : warning.Reason, warning.Path, warning.Message);
        }

        new FieldCheck(KnownFields.Tree, (severity, error) => Tell(dialect.Judge(severity, error), error)).Check(root, dialect.FieldsOf(root));
        dialect.Advise(root, homeOf, advice);

        // The dialect's parser and the table of fields both know types; what one has said, the other need not repeat.
        void Tell(FindingSeverity severity, FieldError error)
        {
            if (!told.Add(error.Path) || IsStatedByUnknownKind(error)) return;
            var (id, message, fix) = Wording(error);
            Add(severity, id, document.Positions.Locate(error.Path), error.Path, message, fix);
        }
    }

    /// <summary>A wrong apiVersion or kind has been told in better words already.</summary>
    private static bool IsStatedByUnknownKind(FieldError error) => error.Path is "apiVersion" or "kind";

    private static (string Id, string Message, string? Fix) Wording(FieldError error) => error.Kind switch
    {
        FieldErrorKind.UnknownField => ("unknown-field", "unknown field", error.Fix),
        FieldErrorKind.TypeInvalid when ContainerWord().IsMatch(error.Path) && Scalar(error.Value) is { } what =>
            ("S01", $"is {what}; container arguments are text", $"Write \"{error.Value}\" with quotes."),
        FieldErrorKind.Invalid when error.Path == "spec.mpiReplicaSpecs[Launcher].replicas" => ("S09", $"{error.Detail}, not {error.Value}", error.Fix),
        FieldErrorKind.NotSupported => ("", $"{error.Value} is not supported; {error.Detail}", error.Fix),
        FieldErrorKind.Duplicate => ("", $"stands twice: {error.Value}", error.Fix),
        _ when error.Value is not null && error.Detail.StartsWith("must ", StringComparison.Ordinal) => ("", $"{error.Detail}, not {error.Value}", error.Fix),
        _ => ("", error.Detail, error.Fix),
    };

    /// <summary>How S01 calls what YAML made of an unquoted word.</summary>
    private static string? Scalar(string? value) => value switch
    {
        "true" or "false" => $"the boolean {value}",
        not null when value.Length > 0 && (char.IsAsciiDigit(value[0]) || value[0] == '-') => $"the number {value}",
        _ => null,
    };

    private static (string Path, string Message, string? Fix)? KindFault(string apiVersion, string kind)
    {
        if (kind.Length == 0) return ("kind", "must have a kind", "Write kind: MPIJob.");
        if (apiVersion.Length == 0) return ("apiVersion", "must have an apiVersion", KindOf(kind) is { } known ? $"Write apiVersion: {known.Kind.ApiVersion}." : null);
        if (ManifestDialects.For(apiVersion, kind) is not null) return null;
        if (OfVersion(apiVersion) is { } sameVersion) return ("kind", $"\"{kind}\" is not a kind of {apiVersion}", $"Write kind: {sameVersion.Kind.Kind}.");
        return KindOf(kind) is { } sameKind ? ("apiVersion", $"\"{apiVersion}\" is not supported for {kind}", $"Write apiVersion: {sameKind.Kind.ApiVersion}.") : null;
    }

    /// <summary>The dialect by whose rules the rest is judged: the one that is named, or where the name is only misspelt the one that is meant.</summary>
    private static IManifestDialect? DialectMeant(string apiVersion, string kind) =>
        ManifestDialects.Find(apiVersion, kind)
        ?? (OfVersion(apiVersion) is { } sameVersion && Spelling.Nearest(kind, [sameVersion.Kind.Kind]) is not null ? sameVersion : KindOf(kind));

    private static IManifestDialect? OfVersion(string apiVersion) => ManifestDialects.Readable.FirstOrDefault(d => d.Kind.ApiVersion == apiVersion);

    private static IManifestDialect? KindOf(string kind) => ManifestDialects.Readable.FirstOrDefault(d => string.Equals(d.Kind.Kind, kind, StringComparison.OrdinalIgnoreCase));

    /// <summary>The manifest as the API server would hand it out: named where the name is to be generated, its version and kind as meant.</summary>
    private static JsonElement WithName(JsonObject root, IDialect dialect)
    {
        var tree = (JsonObject)root.DeepClone();
        tree["apiVersion"] = dialect.Kind.ApiVersion;
        tree["kind"] = dialect.Kind.Kind;
        if (tree["metadata"] is JsonObject metadata && metadata["name"] is null && metadata["generateName"] is JsonValue value && value.TryGetValue<string>(out var prefix)) metadata["name"] = prefix + "xxxxx";
        return JsonElement.Parse(tree.ToUtf8());
    }

    private void Add(FindingSeverity severity, string id, YamlPosition at, string path, string message, string? fix) =>
        _findings.Add(new ManifestFinding(severity, id, at, path, message, fix));

    [GeneratedRegex(@"ontainers\[[0-9]+\]\.(command|args)\[[0-9]+\]$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex ContainerWord();
}
