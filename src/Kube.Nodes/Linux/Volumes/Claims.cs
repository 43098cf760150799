using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>
/// What PersistentVolumeClaims stand for here: a folder each, of any size, that lives as long as the claim and no longer than the cluster.
/// A controller binds them. One that a pod names and nobody has made gets a folder, too: a manifest taken from a cluster seldom brings its
/// claims along.
/// </summary>
internal sealed class Claims(ClusterSandbox cluster, LinuxNodeOptions options, TimeProvider time, Action<NodeNotice> report) : ILoop
{
    private readonly Signal _signal = new(time);
    private readonly Dictionary<ObjectKey, HashSet<string>> _users = [];
    private readonly HashSet<ObjectKey> _deleted = [];

    public string Name => "node-claims";

    /// <summary>
    /// Whether folders are on disk. Not with subordinate IDs: a killed cluster would leave files of IDs that its user cannot remove.
    /// </summary>
    private bool OnDisk => options.ClaimsFolder is not null && cluster.Mode != SandboxMode.SubordinateIds;

    /// <summary>Inside the cluster's sandbox.</summary>
    private string Root => OnDisk ? MachinePath.Inside(options.ClaimsFolder!) : "/volumes";

    public void Changed(ObjectKey key, KubeObject? claim)
    {
        if (claim is null) _deleted.Add(key);
        else _deleted.Remove(key);
        _signal.Raise();
    }

    /// <summary>The folder of a claim, inside the cluster's sandbox, for a pod that has it until <see cref="Released"/>.</summary>
    public string Use(ObjectMeta pod, string claim)
    {
        var key = new ObjectKey(pod.Namespace, claim);
        if (!_users.TryGetValue(key, out var users)) _users[key] = users = new HashSet<string>(StringComparer.Ordinal);
        users.Add(pod.Uid);
        var folder = Folder(key);
        if (!Directory.Exists(cluster.Files + folder))
        {
            Directory.CreateDirectory(cluster.Files + Path.GetDirectoryName(folder));
            SandboxFiles.MakeFolder(cluster.Files + folder, SandboxFiles.OpenFolder);
        }

        return folder;
    }

    public void Released(string podUid)
    {
        foreach (var (key, users) in _users.ToList())
        {
            if (users.Remove(podUid) && users.Count == 0) _users.Remove(key);
        }

        _signal.Raise();
    }

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        // A pod whose object was deleted by force may still write.
        if (_deleted.FirstOrDefault(k => !_users.ContainsKey(k)) is not { Name.Length: > 0 } gone) return false;
        _deleted.Remove(gone);
        await cluster.RunAsync($"rm -rf {ShellWord.Quote(Folder(gone))}", cancellation);
        return true;
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => _signal.WaitAsync(null, cancellation);

    /// <summary>Removes what is on disk, by whose rights it was written; what is in memory goes with the sandbox.</summary>
    public async Task RemoveAllAsync()
    {
        if (!OnDisk || !Directory.Exists(options.ClaimsFolder)) return;
        try
        {
            await cluster.RunAsync($"rm -rf {ShellWord.Quote(Root)}", CancellationToken.None);
        }
        catch (SandboxException failed)
        {
            report(new NodeNotice(IsWarning: true, $"the folder of claims {options.ClaimsFolder} is left: {failed.Message}"));
        }
    }

    private string Folder(ObjectKey key) => $"{Root}/{SandboxFiles.SafeName(key.Namespace)}/{SandboxFiles.SafeName(key.Name)}";
}
