using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>The volumes of one pod: made before its first container starts, kept up to date while it runs.</summary>
internal sealed class PodVolumes
{
    private readonly PodSandbox _sandbox;
    private readonly Dictionary<string, Volume> _volumes = new(StringComparer.Ordinal);

    public PodVolumes(PodSandbox sandbox) => _sandbox = sandbox;

    /// <param name="Source">Inside the cluster's sandbox.</param>
    /// <param name="Content">For volumes made from API objects.</param>
    private sealed record Volume(string Source, bool IsFile, bool ReadOnly, AtomicFolder? Content);

    /// <summary>Makes or refreshes every volume.</summary>
    /// <exception cref="MissingReferenceException">A volume cannot be made (yet); the message is that of a FailedMount event.</exception>
    public async Task PrepareAsync(PodSpecView pod, INodeObjects objects, DownwardFields fields, DateTimeOffset now, CancellationToken cancellation)
    {
        var owned = new StringBuilder();
        foreach (var volume in pod.Spec.Items("volumes"))
        {
            var name = volume.Text("name") ?? "";
            try
            {
                var folder = $"{_sandbox.Folder}/volumes/{SandboxFiles.SafeName(name)}";
                var files = _sandbox.Cluster.Files + folder;
                if (VolumeContent.Of(pod, volume, objects, fields) is { } content)
                {
                    if (!_volumes.TryGetValue(name, out var made)) _volumes[name] = made = new Volume(folder, IsFile: false, ReadOnly: true, new AtomicFolder(files));
                    if (made.Content!.Write(Fitted(content, pod), now) && pod.FsGroup is { } group) Own(folder, group, "g+rX");
                }
                else if (!_volumes.ContainsKey(name))
                {
                    _volumes[name] = Make(pod, volume, folder, files);
                    if (pod.FsGroup is { } group && (volume.Has("emptyDir") || volume.Has("persistentVolumeClaim"))) Own(_volumes[name].Source, group, "g+rwXs");
                }
            }
            catch (MissingReferenceException missing)
            {
                throw new MissingReferenceException($"MountVolume.SetUp failed for volume \"{name}\" : {missing.Message}");
            }
        }

        if (owned.Length > 0) await _sandbox.Cluster.RunAsync(owned.ToString(), cancellation);

        void Own(string folder, uint group, string mode)
        {
            // There is one group ID when there is one user ID; Fitted has given the group's rights to the owner.
            if (_sandbox.Cluster.Mode == SandboxMode.SingleId || (_sandbox.Cluster.Mode == SandboxMode.SubordinateIds && group >= SubordinateIds.Count)) return;
            owned.Append(CultureInfo.InvariantCulture, $"chgrp -hR {group} {folder}\nchmod -R {mode} {folder}\n");
        }
    }

    /// <summary>What a container mounts.</summary>
    /// <exception cref="MissingReferenceException">A mount names no volume, or a path that cannot be mounted.</exception>
    public IEnumerable<ContainerMount> Mounts(ContainerView container, IReadOnlyDictionary<string, string> environment)
    {
        foreach (var mount in container.Spec.Items("volumeMounts"))
        {
            var name = mount.Text("name") ?? "";
            var target = mount.Text("mountPath") ?? "";
            if (!target.StartsWith('/')) target = "/" + target;
            if (!_volumes.TryGetValue(name, out var volume)) throw new MissingReferenceException($"volume \"{name}\" of container \"{container.Name}\" is not among the pod's volumes");
            var within = mount.Text("subPathExpr") is { Length: > 0 } expression ? VariableExpansion.Expand(expression, environment) : mount.Text("subPath") ?? "";
            if (within.Split('/').Contains("..")) throw new MissingReferenceException($"subPath \"{within}\" must not contain '..'");
            var isFile = volume.IsFile;
            var source = volume.Source;
            if (within.Length > 0)
            {
                source = $"{source}/{within.Trim('/')}";
                var seen = _sandbox.Cluster.Files + source;
                isFile = File.Exists(seen);
                if (!isFile && !Directory.Exists(seen))
                {
                    if (volume.Content is not null) throw new MissingReferenceException($"failed to prepare subPath for volumeMount \"{name}\" of container \"{container.Name}\": {within} is not in the volume");
                    SandboxFiles.MakeFolder(seen, SandboxFiles.OpenFolder);
                }
            }

            yield return new ContainerMount(source, target, volume.ReadOnly || (mount.Flag("readOnly") ?? false), isFile, (path, file) => MakeWithin(volume, source, path, file));
        }
    }

    /// <summary>A mount point inside a volume: made in it, as the container runtime does.</summary>
    private void MakeWithin(Volume volume, string source, string path, bool isFile)
    {
        var place = _sandbox.Cluster.Files + source + path;
        if (Path.Exists(place) || volume.Source.StartsWith("/machine/", StringComparison.Ordinal)) return;
        if (isFile)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(place)!);
            SandboxFiles.Write(place, "");
        }
        else
        {
            SandboxFiles.MakeFolder(place);
        }
    }

    private Volume Make(PodSpecView pod, JsonElement volume, string folder, string files)
    {
        if (volume.Has("emptyDir"))
        {
            // In memory whatever the medium: nothing that a pod writes is to stay.
            SandboxFiles.MakeFolder(files, SandboxFiles.OpenFolder);
            return new Volume(folder, IsFile: false, ReadOnly: false, null);
        }

        if (volume.Has("hostPath")) return HostPath(volume.At("hostPath"));
        if (volume.Text("persistentVolumeClaim", "claimName") is { } claim)
        {
            var shared = $"/volumes/{SandboxFiles.SafeName(pod.Meta.Namespace)}/{SandboxFiles.SafeName(claim)}";
            if (!Directory.Exists(_sandbox.Cluster.Files + shared))
            {
                SandboxFiles.MakeFolder(_sandbox.Cluster.Files + Path.GetDirectoryName(shared));
                SandboxFiles.MakeFolder(_sandbox.Cluster.Files + shared, SandboxFiles.OpenFolder);
            }

            return new Volume(shared, IsFile: false, volume.Flag("persistentVolumeClaim", "readOnly") ?? false, null);
        }

        var type = volume.Members().Select(static m => m.Name).FirstOrDefault(static n => n != "name") ?? "none";
        if (type == "none")
        {
            // A volume without a source is an emptyDir (core/v1 VolumeSource).
            SandboxFiles.MakeFolder(files, SandboxFiles.OpenFolder);
            return new Volume(folder, IsFile: false, ReadOnly: false, null);
        }

        throw new MissingReferenceException($"volumes of type {type} are not available on this machine; use hostPath, emptyDir or persistentVolumeClaim instead");
    }

    private static Volume HostPath(JsonElement source)
    {
        var path = source.Text("path") ?? "";
        var type = source.Text("type") ?? "";
        if (!path.StartsWith('/')) throw new MissingReferenceException($"hostPath \"{path}\" is no absolute path");
        if (type == "DirectoryOrCreate" && !Path.Exists(path)) Directory.CreateDirectory(path);
        if (type == "FileOrCreate" && !Path.Exists(path)) File.Create(path).Dispose();
        var isFolder = Directory.Exists(path);
        if (!isFolder && !File.Exists(path)) throw new MissingReferenceException(type is "Directory" or "File" or "Socket" or "CharDevice" or "BlockDevice" ? $"hostPath type check failed: {path} is not a {Words(type)}" : $"hostPath {path} does not exist on this machine");
        if (type is "Directory" or "DirectoryOrCreate" && !isFolder) throw new MissingReferenceException($"hostPath type check failed: {path} is not a directory");
        if (type is "File" or "FileOrCreate" && isFolder) throw new MissingReferenceException($"hostPath type check failed: {path} is not a file");
        return new Volume(MachinePath.Inside(path), !isFolder, ReadOnly: false, null);

        static string Words(string type) => type switch { "CharDevice" => "character device", "BlockDevice" => "block device", _ => type.ToLowerInvariant() };
    }

    /// <summary>
    /// The modes that say the same where all files belong to the pod's own UID: the process has, as their owner, the rights that it
    /// would have as one of the others, or with an fsGroup as one of the group. OpenSSH refuses a key of its own UID that others could
    /// read, so this is more than tidiness.
    /// </summary>
    private ImmutableArray<VolumeFile> Fitted(ImmutableArray<VolumeFile> files, PodSpecView pod)
    {
        var withGroup = pod.FsGroup is null ? files : [.. files.Select(static f => f with { Mode = f.Mode | UnixFileMode.UserRead | UnixFileMode.GroupRead })];
        if (_sandbox.Cluster.Mode != SandboxMode.SingleId || !pod.Containers.All(c => RunsAsOther(pod, c))) return withGroup;
        return [.. withGroup.Select(f => f with { Mode = AsOwner((int)f.Mode, pod.FsGroup is not null) })];

        static UnixFileMode AsOwner(int mode, bool inGroup) => (UnixFileMode)((((inGroup ? mode >> 3 : 0) | mode) & 7) << 6);
    }

    /// <summary>Whether the manifest makes the container run as another user than root..</summary>
    private bool RunsAsOther(PodSpecView pod, ContainerView container) => Users?.Invoke(pod, container) is > 0;

    /// <summary>The UID with which a container will run, set by the pod's owner.</summary>
    public Func<PodSpecView, ContainerView, uint?>? Users { get; init; }
}
