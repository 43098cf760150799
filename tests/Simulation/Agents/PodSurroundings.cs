using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kube.Types;
using PodView = Kube.Types.PodView;

namespace Simulation;

/// <summary>
/// What a container finds when it starts: the environment that its pod's manifest gives it, and the files of its volumes, which a kubelet
/// brings up to date only now and then.
/// </summary>
internal sealed partial class PodSurroundings(PodView pod, SimulatedCluster world, TimeSpan refresh)
{
    private readonly Dictionary<string, (DateTimeOffset At, KubeObject? Object)> _volumes = new(StringComparer.Ordinal);

    public JsonElement Main => pod.Spec.Items("containers").First();

    public JsonElement? Init(string name) => pod.Spec.Items("initContainers").Where(c => c.Text("name") == name).Select(static c => (JsonElement?)c).FirstOrDefault();

    /// <summary>A variable of the main container; the containers that are added to a pod have the same.</summary>
    public string? Variable(string name)
    {
        foreach (var variable in Main.Items("env"))
        {
            if (variable.Text("name") == name) return variable.Text("valueFrom", "fieldRef", "fieldPath") is { } field ? Field(field) : Reference().Replace(variable.Text("value") ?? "", match => Variable(match.Groups[1].Value) ?? match.Value);
        }

        return null;
    }

    /// <summary>A file of a ConfigMap; null where there is none.</summary>
    public string? File(string path)
    {
        foreach (var mount in Main.Items("volumeMounts"))
        {
            if (mount.Text("mountPath") is not { } folder || !path.StartsWith(folder + "/", StringComparison.Ordinal)) continue;
            if (Volume(mount.Text("name")!) is not { } volume || volume.Text("configMap", "name") is not { } map) continue;
            var file = path[(folder.Length + 1)..];
            var key = volume.Has("configMap", "items") ? volume.Items("configMap", "items").FirstOrDefault(item => item.Text("path") == file).Text("key") : file;
            return key is null ? null : Mounted(Kinds.ConfigMap, map)?.Root.Text("data", key);
        }

        return null;
    }

    /// <summary>What tells one Secret of a volume from another; null where there is none.</summary>
    public string? Secret(string volume) => Volume(volume)?.Text("secret", "secretName") is { } name && Mounted(Kinds.Secret, name) is { } secret ? $"{secret.Meta.Uid} {secret.Root.At("data").GetRawText()}" : null;

    private JsonElement? Volume(string name) => pod.Spec.Items("volumes").Where(v => v.Text("name") == name).Select(static v => (JsonElement?)v).FirstOrDefault();

    private KubeObject? Mounted(ResourceKind kind, string name)
    {
        var now = world.Clock.GetUtcNow();
        if (_volumes.TryGetValue(name, out var known) && known.Object is not null && now < known.At + refresh) return known.Object;
        // What was mounted stays mounted.
        var read = world.Find(kind, name, pod.Meta.Namespace) ?? known.Object;
        _volumes[name] = (now, read);
        return read;
    }

    private string? Field(string path) => path switch
    {
        "metadata.name" => pod.Meta.Name,
        _ when Annotation().Match(path) is { Success: true } match => pod.Meta.Annotations.GetValueOrDefault(match.Groups[1].Value),
        _ => throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture, $"{pod}: a variable from {path}")),
    };

    [GeneratedRegex(@"\$\(([A-Za-z0-9_]+)\)")]
    private static partial Regex Reference();

    [GeneratedRegex(@"^metadata\.annotations\['(.+)'\]$")]
    private static partial Regex Annotation();
}
