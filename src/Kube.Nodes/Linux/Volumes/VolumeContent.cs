using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>One file of a volume that is made from API objects.</summary>
/// <param name="Path">Below the volume, such as <c>a/b</c>.</param>
internal sealed record VolumeFile(string Path, ReadOnlyMemory<byte> Content, UnixFileMode Mode);

/// <summary>What the files of ConfigMap, Secret, downward API and projected volumes are. Pure.</summary>
internal static class VolumeContent
{
    private const int DefaultMode = 0b110_100_100;

    /// <summary>The files, or null when the volume is of another type.</summary>
    /// <param name="token">The token of a <c>serviceAccountToken</c> source.</param>
    /// <exception cref="MissingReferenceException">Something that is not optional is missing; worded as in the kubelet's FailedMount events.</exception>
    public static ImmutableArray<VolumeFile>? Of(PodSpecView pod, JsonElement volume, INodeObjects objects, DownwardFields fields, Func<JsonElement, string> token)
    {
        if (volume.Has("configMap")) return FromMap(pod, volume.At("configMap"), "name", objects, isSecret: false, Mode(volume.At("configMap")));
        if (volume.Has("secret")) return FromMap(pod, volume.At("secret"), "secretName", objects, isSecret: true, Mode(volume.At("secret")));
        if (volume.Has("downwardAPI")) return FromFields(volume.At("downwardAPI"), fields, Mode(volume.At("downwardAPI")));
        if (!volume.Has("projected")) return null;
        var mode = Mode(volume.At("projected"));
        var files = ImmutableArray.CreateBuilder<VolumeFile>();
        foreach (var source in volume.Items("projected", "sources"))
        {
            if (source.Has("configMap")) files.AddRange(FromMap(pod, source.At("configMap"), "name", objects, isSecret: false, mode));
            else if (source.Has("secret")) files.AddRange(FromMap(pod, source.At("secret"), "name", objects, isSecret: true, mode));
            else if (source.Has("downwardAPI")) files.AddRange(FromFields(source.At("downwardAPI"), fields, mode));
            else if (source.Has("serviceAccountToken")) files.Add(new VolumeFile(source.Text("serviceAccountToken", "path") ?? "token", Encoding.UTF8.GetBytes(token(source.At("serviceAccountToken"))), mode));
        }

        // A path named twice: the later source wins, as in the kubelet.
        return [.. files.GroupBy(static f => f.Path).Select(static g => g.Last())];
    }

    private static ImmutableArray<VolumeFile> FromMap(PodSpecView pod, JsonElement source, string nameField, INodeObjects objects, bool isSecret, UnixFileMode mode)
    {
        var name = source.Text(nameField) ?? "";
        var optional = source.Flag("optional") ?? false;
        var obj = isSecret ? objects.Secret(pod.Meta.Namespace, name) : objects.ConfigMap(pod.Meta.Namespace, name);
        if (obj is null) return optional ? [] : throw new MissingReferenceException($"{(isSecret ? "secret" : "configmap")} \"{name}\" not found");

        var data = Data(obj, isSecret);
        if (!source.Items("items").Any()) return [.. data.Select(d => new VolumeFile(d.Key, d.Value, mode))];
        var files = ImmutableArray.CreateBuilder<VolumeFile>();
        foreach (var item in source.Items("items"))
        {
            var key = item.Text("key") ?? "";
            if (data.TryGetValue(key, out var content)) files.Add(new VolumeFile(item.Text("path") ?? key, content, Mode(item.At("mode"), mode)));
            else if (!optional) throw new MissingReferenceException($"{(isSecret ? "references non-existent secret key" : "configmap references non-existent config key")}: {key}");
        }

        return files.ToImmutable();
    }

    private static SortedDictionary<string, ReadOnlyMemory<byte>> Data(KubeObject obj, bool isSecret)
    {
        var data = new SortedDictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        foreach (var (key, value) in obj.Root.TextMap("data")) data[key] = isSecret ? Convert.FromBase64String(value) : Encoding.UTF8.GetBytes(value);
        foreach (var (key, value) in obj.Root.TextMap("binaryData")) data[key] = Convert.FromBase64String(value);
        return data;
    }

    private static ImmutableArray<VolumeFile> FromFields(JsonElement source, DownwardFields fields, UnixFileMode mode)
    {
        var files = ImmutableArray.CreateBuilder<VolumeFile>();
        foreach (var item in source.Items("items"))
        {
            var value = item.Text("fieldRef", "fieldPath") is { } path
                ? fields.Field(path) ?? throw new MissingReferenceException($"unsupported fieldPath: {path}")
                : fields.Resource(item.At("resourceFieldRef"), container: null) ?? throw new MissingReferenceException($"unsupported resource: {item.Text("resourceFieldRef", "resource")}");
            files.Add(new VolumeFile(item.Text("path") ?? "", Encoding.UTF8.GetBytes(value), Mode(item.At("mode"), mode)));
        }

        return files.ToImmutable();
    }

    private static UnixFileMode Mode(JsonElement source) => Mode(source.At("defaultMode"), (UnixFileMode)DefaultMode);

    private static UnixFileMode Mode(JsonElement value, UnixFileMode otherwise) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var mode) && mode is >= 0 and <= 0x1FF ? (UnixFileMode)mode : otherwise;

    /// <summary>For comparing with what was written before.</summary>
    public static string Fingerprint(ImmutableArray<VolumeFile> files)
    {
        var text = new StringBuilder();
        foreach (var file in files.OrderBy(static f => f.Path, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"{file.Path}\0{(int)file.Mode}\0{Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(file.Content.Span))}\n");
        }

        return text.ToString();
    }
}
