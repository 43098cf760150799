using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Model;

namespace Mpi.Cli;

/// <summary>A manifest that was read and found fit to run.</summary>
/// <param name="Path">As the user named it.</param>
/// <param name="Folder">Where image stand-ins beside the manifest are looked for.</param>
/// <param name="Objects">In the order in which they stand, each with its namespace.</param>
internal sealed record ManifestFile(string Path, string Folder, ImmutableArray<ManifestObject> Objects)
{
    /// <summary>A manifest larger than this is no manifest: etcd takes 1.5 MB an object.</summary>
    private const long BytesMax = 64L * 1024 * 1024;

    private static readonly ImmutableArray<ResourceKind> BuiltIn =
    [
        Kinds.Namespace, Kinds.Pod, Kinds.Service, Kinds.ConfigMap, Kinds.Secret, Kinds.ServiceAccount, Kinds.PersistentVolumeClaim, Kinds.Job,
        Kinds.Role, Kinds.RoleBinding, Kinds.ClusterRole, Kinds.ClusterRoleBinding, Kinds.PriorityClass,
    ];

    /// <summary>Reads and checks; tells every fault and every warning.</summary>
    /// <returns>Null when something must be mended first.</returns>
    public static ManifestFile? Read(string path, Action<string> say)
    {
        if (ReadText(path, say) is not { } text) return null;
        var folder = path == "-" ? Directory.GetCurrentDirectory() : System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        var report = ManifestValidator.Check(text, ImagePath.Homes(folder));
        if (!report.Findings.IsEmpty) say(report.ToText(path).TrimEnd('\n'));
        if (report.HasErrors) return null;

        var objects = ImmutableArray.CreateBuilder<ManifestObject>();
        foreach (var document in report.Documents)
        {
            var obj = KubeObject.From(document.Root);
            if (KindOf(obj) is not { } kind)
            {
                say($"{path}:{document.Positions.Start.Line}: {obj.ApiVersion} {obj.Kind} is not served by the local cluster; left out.");
                continue;
            }

            if (kind.Namespaced && obj.Meta.Namespace.Length == 0)
            {
                document.Root.Object("metadata")["namespace"] = "default";
                obj = KubeObject.From(document.Root);
            }

            objects.Add(new ManifestObject(kind, obj));
        }

        if (!objects.Any(static o => ManifestDialects.For(o.Object.ApiVersion, o.Object.Kind) is not null))
        {
            say($"kubempi: {path} holds no MPI job.");
            return null;
        }

        return new ManifestFile(path, folder, objects.ToImmutable());
    }

    /// <summary>A file's text, or standard input's for <c>-</c>; null when it cannot be read, which is told.</summary>
    public static string? ReadText(string path, Action<string> say)
    {
        try
        {
            return path == "-" ? Console.In.ReadToEnd() : ReadText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            say($"kubempi: cannot read {path}: {e.Message}");
            return null;
        }
    }

    /// <summary>The pod templates of all jobs.</summary>
    public IEnumerable<JsonElement> PodTemplates() => Objects
        .Select(static o => ManifestDialects.For(o.Object.ApiVersion, o.Object.Kind)?.Parse(o.Object.Root))
        .OfType<ParseResult.Run>()
        .SelectMany(static parsed => new[] { parsed.Value.Launcher.Template, parsed.Value.Workers.Template })
        .Where(static template => template.ValueKind == JsonValueKind.Object);

    private static ResourceKind? KindOf(KubeObject obj) =>
        ManifestDialects.For(obj.ApiVersion, obj.Kind)?.Kind ?? BuiltIn.FirstOrDefault(k => k.ApiVersion == obj.ApiVersion && k.Kind == obj.Kind);

    private static string ReadText(string path)
    {
        if (new FileInfo(path) is { Exists: true, Length: > BytesMax } huge) throw new IOException($"the file has {huge.Length} bytes; a manifest has at most {BytesMax}");
        return File.ReadAllText(path);
    }
}

internal sealed record ManifestObject(ResourceKind Kind, KubeObject Object);
