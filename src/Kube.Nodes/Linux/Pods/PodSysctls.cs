using System.Text;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>The kernel settings of a pod's own namespaces that any pod may have: the kubelet's list of safe ones.</summary>
internal static class PodSysctls
{
    private static readonly HashSet<string> Safe = new(StringComparer.Ordinal)
    {
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    };

    public static bool IsSafe(string name) => Safe.Contains(name.Replace('/', '.'));

    /// <summary>Shell lines that set them, to be run in the pod's namespaces. The node's network is not the pod's to set.</summary>
    public static string Script(PodSpecView pod)
    {
        var script = new StringBuilder();
        foreach (var sysctl in pod.Spec.Items("securityContext", "sysctls"))
        {
            var name = (sysctl.Text("name") ?? "").Replace('/', '.');
            if (!IsSafe(name) || (pod.HostNetwork && name.StartsWith("net.", StringComparison.Ordinal))) continue;
            script.Append("echo ").Append(ShellWord.Quote(sysctl.Text("value") ?? "")).Append(" >/proc/sys/").Append(name.Replace('.', '/')).Append('\n');
        }

        return script.ToString();
    }
}
