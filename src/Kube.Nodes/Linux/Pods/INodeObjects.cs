using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>The objects that pods of this node refer to, as last seen. Answers at once.</summary>
internal interface INodeObjects
{
    KubeObject? ConfigMap(string ns, string name);

    KubeObject? Secret(string ns, string name);

    KubeObject? ServiceAccount(string ns, string name);

    IEnumerable<KubeObject> Services { get; }

    /// <summary>Whether there is a Service that leads pods to the API server.</summary>
    bool LeadsToApiServer { get; }
}

/// <summary>A pod refers to something that is not there (yet); the message is the kubelet's.</summary>
internal sealed class MissingReferenceException(string message) : Exception(message);
