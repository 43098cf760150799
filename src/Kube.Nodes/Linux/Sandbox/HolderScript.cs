namespace Kube.Nodes.Linux;

/// <summary>What the shell that holds the cluster's namespaces does first.</summary>
internal static class HolderScript
{
    /// <remarks>
    /// /proc is still the machine's when the shell's PID is read, so the number is the one that we see. The memory file system
    /// starts life over /tmp, a folder that every machine has, becomes the root, and takes the machine's whole tree in below
    /// /machine; there the copy of itself over /tmp is lifted again.
    /// </remarks>
    public static string For(ClusterNetwork network) => $$"""
        set -e
        read -r hostpid rest </proc/self/stat
        mount -t tmpfs -o nodev,nosuid,mode=755 kube /tmp
        cd /tmp
        mkdir machine proc pods volumes old
        mount --rbind / machine
        umount -l machine/tmp
        for d in /bin /sbin /lib /lib32 /lib64 /libx32 /usr /etc /dev /sys /nix /gnu; do
          if [ -L "$d" ]; then ln -s "$(readlink "$d")" "${d#/}"; elif [ -d "$d" ]; then ln -s "machine$d" "${d#/}"; fi
        done
        mount -t proc proc proc
        pivot_root . old
        cd /
        umount -l /old
        rmdir /old
        echo 1 >/proc/sys/net/ipv4/ip_forward
        [ ! -e /proc/sys/net/ipv4/fib_multipath_hash_policy ] || echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy
        ip -batch - <<'END'
        link set lo up
        link add kube0 type bridge
        addr add {{network.Gateway}}/{{network.PrefixLength}} dev kube0
        link set kube0 up
        END
        set +e
        """;
}
