using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>What of a pod is on this node and shared by its containers.</summary>
internal sealed class LocalPod(NodeContext node, PodSpecView spec, Action wake)
{
    public NodeContext Node => node;

    /// <summary>The newest version of the pod.</summary>
    public PodSpecView Spec { get; set; } = spec;

    public ObjectMeta Meta => Spec.Meta;

    public PodSandbox? Sandbox { get; set; }

    public PodVolumes? Volumes { get; set; }

    public string? Address => Sandbox?.Address.ToString();

    public string HostAddress { get; } = node.Options.Network.Gateway.ToString();

    /// <summary>Has the pod looked at again.</summary>
    public Action Wake => wake;

    public DownwardFields Fields => new(Spec, Address, HostAddress, node.Registration.Cpus, node.Registration.Memory);

    /// <summary>Records an event about the pod, or about one of its containers.</summary>
    /// <param name="type"><c>Normal</c> or <c>Warning</c>.</param>
    public void Event(ContainerView? container, string type, string reason, string message) =>
        node.Events.Record(Meta, container?.FieldPath ?? "", type, reason, message);

    /// <summary>Has the pod looked at again when the task ends, however it ends.</summary>
    public void WakeAfter(Task task) =>
        _ = task.ContinueWith(_ => wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
