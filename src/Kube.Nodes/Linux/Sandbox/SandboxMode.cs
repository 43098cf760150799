namespace Kube.Nodes.Linux;

/// <summary>Which user IDs the pods of this machine can have; decided once, by who runs the node.</summary>
public enum SandboxMode
{
    /// <summary>Run by root: every UID, no user namespace.</summary>
    Root,

    /// <summary>Run by an ordinary user who has a range in /etc/subuid and /etc/subgid: UIDs 0 to 65535 through it, as for root.</summary>
    SubordinateIds,

    /// <summary>
    /// Run by an ordinary user without a range: one UID a pod. A pod whose UID is not 0 runs in a nested user namespace as that UID;
    /// UID 0 works for programs that never change their user, which a root sshd does.
    /// </summary>
    SingleId,
}
