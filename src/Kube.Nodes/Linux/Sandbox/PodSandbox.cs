using System.Globalization;
using System.Net;

namespace Kube.Nodes.Linux;

/// <summary>
/// What the containers of one pod share: host name, network with one address, System V and POSIX IPC, a folder. The namespaces
/// are kept by files inside the cluster's sandbox, so a pod without a running container costs no process.
/// </summary>
internal sealed class PodSandbox
{
    private readonly ClusterSandbox _cluster;
    private readonly string _link;
    private readonly List<string> _mounts = [];
    private bool _removed;

    private PodSandbox(ClusterSandbox cluster, string uid, string folderName, string hostname, int? index, bool hostNetwork)
    {
        _cluster = cluster;
        Uid = uid;
        Hostname = hostname;
        Folder = $"/pods/{folderName}";
        Index = index;
        HostNetwork = hostNetwork;
        Address = index is { } i ? cluster.Network.PodAddress(i) : cluster.Network.Gateway;
        _link = index is { } number ? string.Create(CultureInfo.InvariantCulture, $"p{number}") : "";
    }

    public string Uid { get; }
    public string Hostname { get; }

    /// <summary>The pod's folder as the cluster's sandbox names it.</summary>
    public string Folder { get; }

    /// <summary>The pod's folder as this process names it.</summary>
    public string Files => _cluster.Files + Folder;

    public IPAddress Address { get; }

    /// <summary>The number of the address; null in a pod that shares the node's network.</summary>
    public int? Index { get; }

    /// <summary><c>hostNetwork</c>: the pod shares the network of the node, which is the cluster's bridge and not the machine's interfaces.</summary>
    public bool HostNetwork { get; }

    public ClusterSandbox Cluster => _cluster;

    /// <param name="uid">The pod's UID; it names the folder.</param>
    /// <param name="hostname">At most 63 characters.</param>
    /// <param name="index">The number of the pod's address; null shares the node's network.</param>
    /// <param name="settings">Further shell lines for the pod's namespaces.</param>
    public static async Task<PodSandbox> CreateAsync(ClusterSandbox cluster, string uid, string hostname, int? index, CancellationToken cancellation, string settings = "")
    {
        var pod = new PodSandbox(cluster, uid, SandboxFiles.SafeName(uid), hostname, index, hostNetwork: index is null);
        var net = pod.HostNetwork ? "" : "--net=net";
        var network = pod.HostNetwork
            ? ""
            : $"""
               echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
               ip -batch - <<END
               link set lo up
               link add eth0 type veth peer name {pod._link} netns 1
               addr add {pod.Address}/{cluster.Network.PrefixLength} dev eth0
               link set eth0 up
               route add default via {cluster.Network.Gateway}
               END
               """;
        // Two pods may never share an address, so a link that a failed attempt left behind goes first.
        await cluster.RunAsync(
            $"""
             mkdir -p {pod.Folder}/shm {pod.Folder}/names {pod.Folder}/volumes {pod.Folder}/containers
             chmod 1777 {pod.Folder}/shm
             cd {pod.Folder}
             : >net; : >uts; : >ipc
             unshare {net} --uts=uts --ipc=ipc sh -e <<'POD'
             hostname {ShellWord.Quote(hostname)} || echo {ShellWord.Quote(hostname)} >/proc/sys/kernel/hostname
             {network}
             {settings}
             POD
             {(pod.HostNetwork ? "" : $"ip link set {pod._link} master kube0 up")}
             """,
            cancellation);
        return pod;
    }

    /// <summary>The words that start a program in the pod's namespaces but outside every container's file system.</summary>
    public IEnumerable<string> Enter() => _cluster.Enter([.. HostNetwork ? (IEnumerable<string>)[$"--net=/proc/{_cluster.HolderPid}/ns/net"] : [$"--net={Files}/net"], $"--uts={Files}/uts", $"--ipc={Files}/ipc"]);

    /// <summary>A mount inside the pod's folder that is to go with the pod.</summary>
    public void UnmountLater(string path) => _mounts.Add(path);

    /// <summary>Takes the pod's network and files away. Its containers must have ended.</summary>
    public async Task RemoveAsync(CancellationToken cancellation)
    {
        if (_removed) return;
        _removed = true;
        // The interface would go with its namespace, which the kernel tears down some time later; deleted, its address is free at once.
        await _cluster.RunAsync(
            $"""
             {(HostNetwork ? "" : $"ip link del {_link} || :")}
             umount {(HostNetwork ? "" : $"{Folder}/net ")}{Folder}/uts {Folder}/ipc {string.Join(' ', _mounts)} || :
             rm -rf {Folder}
             """,
            cancellation);
    }
}
