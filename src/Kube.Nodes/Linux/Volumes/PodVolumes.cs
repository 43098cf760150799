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
    public async Task PrepareAsync(LocalPod pod, CancellationToken cancellation)
    {
        var script = new StringBuilder();
        foreach (var volume in pod.Spec.Volumes)
        {
            var name = volume.Text("name") ?? "";
            try
            {
                Prepare(pod, volume, name, script);
            }
            catch (MissingReferenceException missing)
            {
                throw new MissingReferenceException($"MountVolume.SetUp failed for volume \"{name}\" : {missing.Message}");
            }
        }

        if (script.Length > 0) await _sandbox.Cluster.RunAsync(script.ToString(), cancellation);
    }

    private void Prepare(LocalPod pod, JsonElement volume, string name, StringBuilder script)
    {
        var folder = $"{_sandbox.Folder}/volumes/{SandboxFiles.SafeName(name)}";
        var files = _sandbox.Cluster.Files + folder;
        if (VolumeContent.Of(pod.Spec, volume, pod.Node.Objects, pod.Fields, pod.Tokens.Of) is { } content)
        {
            if (!_volumes.TryGetValue(name, out var made)) _volumes[name] = made = new Volume(folder, IsFile: false, ReadOnly: true, new AtomicFolder(files));
            if (made.Content!.Write(Fitted(content, pod.Spec), pod.Node.Time.GetUtcNow()) && pod.Spec.FsGroup is { } readers) Own(folder, readers, "g+rX", always: true);
        }
        else if (!_volumes.ContainsKey(name))
        {
            _volumes[name] = Make(pod, volume, folder, files, script);
            // Folders of the machine keep their owners (hostPath is not "ownership managed").
            if (pod.Spec.FsGroup is { } writers && !volume.Has("hostPath")) Own(_volumes[name].Source, writers, "g+rwXs", always: pod.Spec.Spec.Text("securityContext", "fsGroupChangePolicy") != "OnRootMismatch");
        }

        void Own(string place, uint group, string mode, bool always)
        {
            place = ShellWord.Quote(place);
            // There is one group ID when there is one user ID; Fitted has given the group's rights to the owner.
            if (_sandbox.Cluster.Mode == SandboxMode.SingleId || (_sandbox.Cluster.Mode == SandboxMode.SubordinateIds && group >= SubordinateIds.Count)) return;
            var unless = always ? "" : string.Create(CultureInfo.InvariantCulture, $"[ \"$(stat -c %g {place})\" = {group} ] || ");
            script.Append(CultureInfo.InvariantCulture, $"{unless}{{ chgrp -hR {group} {place}; chmod -R {mode} {place}; }}\n");
        }
    }

    /// <summary>What a container mounts.</summary>
    /// <exception cref="MissingReferenceException">A mount names no volume, or a path that cannot be mounted.</exception>
    public IEnumerable<ContainerMount> Mounts(PodSpecView pod, ContainerView container, IReadOnlyDictionary<string, string> environment)
    {
        foreach (var mount in ServiceAccountAccess.Mounts(container, pod.HasAccess))
        {
            var name = mount.Text("name") ?? "";
            var target = mount.Text("mountPath") ?? "";
            if (!target.StartsWith('/')) target = "/" + target;
            if (!_volumes.TryGetValue(name, out var volume)) throw new MissingReferenceException($"volume \"{name}\" of container \"{container.Name}\" is not among the pod's volumes");
            var within = mount.Text("subPathExpr") is { Length: > 0 } expression ? VariableExpansion.Expand(expression, environment) : mount.Text("subPath") ?? "";
            var isFile = volume.IsFile;
            var source = volume.Source;
            if (within.Length > 0)
            {
                source = $"{source}/{SubPath.Resolve(_sandbox.Cluster.Files + source, within)}";
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

    /// <param name="script">What is to be done as UID 0 of the sandbox to complete it.</param>
    private Volume Make(LocalPod pod, JsonElement volume, string folder, string files, StringBuilder script)
    {
        if (volume.Has("hostPath"))
        {
            var (source, isFile) = HostPath.Make(volume.At("hostPath"));
            return new Volume(source, isFile, ReadOnly: false, null);
        }

        if (volume.Text("persistentVolumeClaim", "claimName") is { } claim) return new Volume(pod.Node.Claims.Use(pod.Meta, claim), IsFile: false, volume.Flag("persistentVolumeClaim", "readOnly") ?? false, null);
        if (volume.Has("ephemeral")) return new Volume(pod.Node.Claims.Use(pod.Meta, $"{pod.Meta.Name}-{volume.Text("name")}"), IsFile: false, volume.Flag("ephemeral", "readOnly") ?? false, null);
        var type = volume.Members().Select(static m => m.Name).FirstOrDefault(static n => n != "name") ?? "emptyDir";
        if (type != "emptyDir") throw new MissingReferenceException($"volumes of type {type} are not available on this machine; use hostPath, emptyDir or persistentVolumeClaim instead");

        // In memory whatever the medium: nothing that a pod writes is to stay. A volume without a source is one, too (core/v1 VolumeSource).
        SandboxFiles.MakeFolder(files, SandboxFiles.OpenFolder);
        if (Quantity.Read(volume.At("emptyDir", "sizeLimit")) is { IsZero: false } limit)
        {
            // A full volume refuses further bytes; the kubelet would evict the pod a little later.
            script.Append(CultureInfo.InvariantCulture, $"mount -t tmpfs -o nosuid,nodev,mode=777,size={limit.MilliUnits / 1000} tmpfs {folder}\n");
            _sandbox.UnmountLater(folder);
        }

        return new Volume(folder, IsFile: false, ReadOnly: false, null);
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
