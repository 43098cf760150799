namespace Kube.Nodes.Linux;

/// <summary>What sandboxes this machine allows to whom.</summary>
public sealed record SandboxSupport
{
    /// <summary>The best that the present user can have, if the machine allows any.</summary>
    public static SandboxMode BestMode => LibC.IsRoot ? SandboxMode.Root : SubordinateIds.Available ? SandboxMode.SubordinateIds : SandboxMode.SingleId;
}
