using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>
/// What PersistentVolumeClaims stand for here: a folder each, of any size, that lives as long as the claim and no longer than the cluster.
/// A claim is bound as soon as it is seen. One that a pod names and nobody has made gets a folder, too: a manifest taken from a cluster
/// seldom brings its claims along.
/// </summary>
internal sealed class Claims(IKubeClient client, ClusterSandbox cluster, LinuxNodeOptions options, TimeProvider time, Action<NodeNotice> report) : ILoop
{
    private readonly Signal _signal = new(time);
    private readonly Dictionary<ObjectKey, HashSet<string>> _users = [];
    private readonly Dictionary<ObjectKey, KubeObject> _unbound = [];
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
        if (claim is null)
        {
            _unbound.Remove(key);
            _deleted.Add(key);
        }
        else
        {
            _deleted.Remove(key);
            if (claim.Root.Text("status", "phase") != "Bound") _unbound[key] = claim;
        }

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
        if (_unbound.Count > 0)
        {
            var (key, claim) = _unbound.First();
            _unbound.Remove(key);
            await BindAsync(claim, cancellation);
            return true;
        }

        // While a pod has it, a deleted claim's folder stays (kubernetes.io/pvc-protection does that on a cluster).
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

    private async Task BindAsync(KubeObject claim, CancellationToken cancellation)
    {
        var spec = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = claim.Meta.Uid }, ["spec"] = new JsonObject { ["volumeName"] = $"pvc-{claim.Meta.Uid}" } };
        var status = new JsonObject
        {
            ["metadata"] = new JsonObject { ["uid"] = claim.Meta.Uid },
            ["status"] = new JsonObject
            {
                ["phase"] = "Bound",
                ["accessModes"] = claim.Root.At("spec", "accessModes").ToTree(),
                ["capacity"] = new JsonObject { ["storage"] = claim.Root.At("spec", "resources", "requests", "storage").ToTree() },
            },
        };
        try
        {
            if (claim.Root.Text("spec", "volumeName") is not { Length: > 0 }) await client.PatchAsync(Kinds.PersistentVolumeClaim, claim.Meta.Namespace, claim.Meta.Name, Patch.Merge(spec), null, cancellation);
            await client.PatchAsync(Kinds.PersistentVolumeClaim, claim.Meta.Namespace, claim.Meta.Name, Patch.Merge(status), "status", cancellation);
        }
        catch (Exception failed) when (failed is ApiException or HttpRequestException)
        {
            // Changed or gone meanwhile: the watch brings it again.
            if (failed is not ApiException { Status.Code: 404 or 409 }) report(new NodeNotice(IsWarning: true, $"claim {claim.Meta.Key}: {failed.Message}"));
        }
    }
}
