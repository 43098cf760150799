using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>What of a pod is on this node and shared by its containers.</summary>
internal sealed class LocalPod
{
    private readonly NodeContext _node;
    private readonly Action _wake;

    public LocalPod(NodeContext node, KubeObject pod, Action wake)
    {
        (_node, _wake) = (node, wake);
        HostAddress = node.Options.Network.Gateway.ToString();
        Spec = Read(pod);
        Tokens = new PodTokens(this);
    }

    public NodeContext Node => _node;

    /// <summary>The newest version of the pod.</summary>
    public PodSpecView Spec { get; private set; }

    public ObjectMeta Meta => Spec.Meta;

    public PodSandbox? Sandbox { get; set; }

    public PodVolumes? Volumes { get; set; }

    public string? Address => Sandbox?.Address.ToString();

    public PodTokens Tokens { get; }

    public string HostAddress { get; }

    /// <summary>Has the pod looked at again.</summary>
    public Action Wake => _wake;

    public DownwardFields Fields => new(Spec, Address, HostAddress, _node.Registration.Cpus, _node.Registration.Memory);

    public void Update(KubeObject pod) => Spec = Read(pod);

    /// <summary>Makes or refreshes every volume.</summary>
    /// <exception cref="MissingReferenceException">A volume cannot be made (yet); the message is that of a FailedMount event.</exception>
    public async Task PrepareVolumesAsync(CancellationToken cancellation)
    {
        await Tokens.RenewAsync(cancellation);
        await Volumes!.PrepareAsync(this, cancellation);
    }

    /// <summary>Records an event about the pod, or about one of its containers.</summary>
    /// <param name="type"><c>Normal</c> or <c>Warning</c>.</param>
    public void Event(ContainerView? container, string type, string reason, string message) =>
        _node.Events.Record(Meta, container?.FieldPath ?? "", type, reason, message);

    private PodSpecView Read(KubeObject pod) => new(pod, spec => ServiceAccountAccess.IsWanted(
        spec, _node.Objects.LeadsToApiServer, _node.Objects.ServiceAccount(pod.Meta.Namespace, spec.Spec.Text("serviceAccountName") is { Length: > 0 } named ? named : "default")));

    /// <summary>Has the pod looked at again when the task ends, however it ends.</summary>
    public void WakeAfter(Task task) =>
        _ = task.ContinueWith(_ => _wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
