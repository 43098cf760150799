using System.Collections.Immutable;
using System.Text.Json;
using Kube.Nodes.Images;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>Turns a container of a manifest and the stand-in of its image into a root folder and a specification to start.</summary>
internal sealed class ContainerPreparation(LinuxNodeOptions options, ImageCatalog catalog, ImageBuilds builds)
{
    private readonly string _passwd = ProcessTree.Read("/etc/passwd") ?? "";
    private readonly string _group = ProcessTree.Read("/etc/group") ?? "";

    /// <summary>The machine's mount points, from the fifth field of <c>36 35 98:0 /root /mount ... - ext3 /dev/x rw</c>; octal escapes are rare enough to pass over.</summary>
    private readonly ImmutableArray<string> _machineMounts =
    [
        .. (ProcessTree.Read("/proc/self/mountinfo") ?? "").Split('\n').Select(static l => l.Split(' ')).Where(static f => f.Length > 5 && !f[4].Contains('\\', StringComparison.Ordinal)).Select(static f => f[4]).Distinct(),
    ];

    /// <summary>The image's content, complete on this machine.</summary>
    /// <exception cref="ImageException">The image cannot be stood in for.</exception>
    public ImageContent Resolve(string image)
    {
        var content = catalog.Resolve(image);
        var missing = content.Missing().ToList();
        return missing.Count == 0 ? content : throw new ImageException(string.Join("\n", missing));
    }

    /// <summary>The user that a container will run as: its own setting, the pod's, the image's, root.</summary>
    /// <exception cref="MissingReferenceException">The settings contradict each other, or the image names an unknown user.</exception>
    public (ContainerUser User, ImageAccounts Accounts) User(PodSpecView pod, ContainerView container, ImageContent image)
    {
        var accounts = new ImageAccounts(_passwd, _group, image);
        var own = container.Spec.At("securityContext");
        var shared = pod.Spec.At("securityContext");
        uint uid, gid;
        if ((own.Integer("runAsUser") ?? shared.Integer("runAsUser")) is { } asked)
        {
            uid = (uint)asked;
            gid = accounts.Find(uid)?.Gid ?? 0;
        }
        else
        {
            (uid, gid) = accounts.Resolve(image.User ?? "0") ?? throw new MissingReferenceException($"image {image.Image} runs as user {image.User}, which it does not define");
        }

        if ((own.Integer("runAsGroup") ?? shared.Integer("runAsGroup")) is { } group) gid = (uint)group;
        if ((own.Flag("runAsNonRoot") ?? shared.Flag("runAsNonRoot")) == true) RefuseRoot(pod, container, image, uid, (own.Integer("runAsUser") ?? shared.Integer("runAsUser")) is not null);
        // Strict: what the image's /etc/group says of the user does not count.
        IEnumerable<uint> merged = shared.Text("supplementalGroupsPolicy") == "Strict" ? [] : accounts.GroupsOf(uid);
        ImmutableArray<uint> groups =
        [
            .. merged.Concat(shared.Items("supplementalGroups").Where(static g => g.ValueKind == JsonValueKind.Number).Select(static g => (uint)g.GetInt64())).Concat(pod.FsGroup is { } fs ? [fs] : []).Distinct().Order(),
        ];
        return (new ContainerUser(uid, gid, groups), accounts);
    }

    /// <summary>The kubelet's check of <c>runAsNonRoot</c>, in its words (<c>verifyRunAsNonRoot</c>).</summary>
    private static void RefuseRoot(PodSpecView pod, ContainerView container, ImageContent image, uint uid, bool isAsked)
    {
        var where = $"(pod: \"{pod.Meta.Name}_{pod.Meta.Namespace}({pod.Meta.Uid})\", container: {container.Name})";
        if (uid == 0) throw new MissingReferenceException(isAsked ? $"container's runAsUser breaks non-root policy {where}" : $"container has runAsNonRoot and image will run as root {where}");
        if (!isAsked && image.User is { } name && !char.IsAsciiDigit(name[0])) throw new MissingReferenceException($"container has runAsNonRoot and image has non-numeric user ({name}), cannot verify user is non-root {where}");
    }

    /// <summary>Builds the container's folder: its root, its mount table, and what it takes to start it.</summary>
    /// <param name="folder">The container's folder inside the sandbox; made here.</param>
    public async Task<ContainerSpec> PrepareAsync(LocalPod pod, ContainerView container, ImageContent image, string folder, CancellationToken cancellation)
    {
        var sandbox = pod.Sandbox!;
        var (user, accounts) = User(pod.Spec, container, image);
        var outputs = new List<string?>();
        foreach (var layer in image.Layers) outputs.Add(layer.Build is null ? null : await builds.OutputAsync(layer, cancellation));

        var environment = ContainerEnvironment.Build(pod.Spec, container, image.Environment, pod.Node.Objects, pod.Fields);
        if (!environment.Any(static e => e.Key == "HOME")) environment = environment.Add(KeyValuePair.Create("HOME", accounts.Find(user.Uid)?.Home ?? "/"));
        var variables = environment.ToDictionary(StringComparer.Ordinal);
        var workingDirectory = container.Spec.Text("workingDir") is { Length: > 0 } given ? given : image.WorkingDirectory;

        var files = sandbox.Cluster.Files + folder;
        SandboxFiles.MakeFolder(files);
        SandboxFiles.MakeFolder($"{files}/root");
        var root = new PodRoot($"{files}/root", options.SystemFolders, _machineMounts);
        var owners = ImmutableArray.CreateBuilder<PathOwner>();
        Accounts(root, accounts);
        for (var i = 0; i < image.Layers.Length; i++) ImageLayer.Apply(image, image.Layers[i], outputs[i], root, accounts, options.ProgramMounts, owners);
        if (workingDirectory.StartsWith('/')) root.Own(workingDirectory);
        Names(root);

        foreach (var mount in pod.Volumes!.Mounts(pod.Spec, container, variables)) root.Mount(mount);
        SandboxFiles.Write($"{files}/termination-log", "", (UnixFileMode)0b110_110_110);
        var messagePath = container.Spec.Text("terminationMessagePath") is { Length: > 0 } path ? path : "/dev/termination-log";
        root.Mount(new ContainerMount($"{folder}/termination-log", messagePath, ReadOnly: false, IsFile: true));
        root.Mount(new ContainerMount($"{sandbox.Folder}/names", "/.node/names", ReadOnly: true, IsFile: false));
        var privileged = container.Spec.Flag("securityContext", "privileged") ?? false;
        SandboxFiles.Write($"{files}/mounts", root.MountTable($"{folder}/root", sandbox.Folder, guarded: sandbox.Cluster.Mode == SandboxMode.Root && !privileged && container.Spec.Text("securityContext", "procMount") != "Unmasked"));

        return new ContainerSpec
        {
            Name = container.Name,
            Command = CommandOf(container, image, variables),
            Environment = environment,
            WorkingDirectory = workingDirectory,
            User = user,
            Capabilities = privileged ? null : CapabilitiesOf(container),
            NoNewPrivileges = container.Spec.Flag("securityContext", "allowPrivilegeEscalation") == false,
            Input = container.Spec.Flag("stdin") ?? false,
            InputOnce = container.Spec.Flag("stdinOnce") ?? false,
            Terminal = container.Spec.Flag("tty") ?? false,
            ReadOnlyRoot = container.Spec.Flag("securityContext", "readOnlyRootFilesystem") ?? false,
            Owners = owners.ToImmutable(),
        };
    }

    private static ImmutableArray<string> CommandOf(ContainerView container, ImageContent image, IReadOnlyDictionary<string, string> variables)
    {
        var command = Words("command");
        var args = Words("args");
        // command replaces the entrypoint and with it the image's arguments; args alone replaces the image's arguments.
        ImmutableArray<string> words = (command.IsEmpty, args.IsEmpty) switch
        {
            (false, _) => [.. command, .. args],
            (true, false) => [.. image.Entrypoint, .. args],
            _ => [.. image.Entrypoint, .. image.Command],
        };
        return words.IsEmpty ? throw new MissingReferenceException($"no command specified: neither the manifest nor the stand-in of image {image.Image} says what to run") : words;

        ImmutableArray<string> Words(string field) => [.. container.Spec.Words(field).Select(w => VariableExpansion.Expand(w, variables))];
    }

    private static ImmutableArray<string> CapabilitiesOf(ContainerView container)
    {
        var settings = container.Spec.At("securityContext", "capabilities");
        var drop = settings.Items("drop").Select(Name).ToHashSet(StringComparer.Ordinal);
        var add = settings.Items("add").Select(Name).ToHashSet(StringComparer.Ordinal);
        IEnumerable<string> kept = drop.Contains("all") ? [] : ContainerSpec.DefaultCapabilities.Where(c => !drop.Contains(c));
        return [.. kept.Union(add.Where(static c => c != "all"))];

        static string Name(JsonElement capability)
        {
            var name = (capability.ValueKind == JsonValueKind.String ? capability.GetString()! : "").ToLowerInvariant();
            return name.StartsWith("cap_", StringComparison.Ordinal) ? name[4..] : name;
        }
    }

    private static void Accounts(PodRoot root, ImageAccounts accounts)
    {
        root.Write("/etc/passwd", accounts.Passwd);
        root.Write("/etc/group", accounts.Group);
        root.Write("/etc/shadow", accounts.Shadow, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        // Other sources than the file (mDNS, a resolver's socket) are not there and would cost seconds each time.
        root.Write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n");
    }

    /// <summary>Links to files that change while the container runs: a link's target is replaced whole, a mounted file could only be overwritten.</summary>
    private static void Names(PodRoot root)
    {
        root.Own("/.node/names");
        root.Link("/etc/hosts", "/.node/names/hosts");
        root.Link("/etc/resolv.conf", "/.node/names/resolv.conf");
        root.Link("/etc/hostname", "/.node/names/hostname");
    }
}
