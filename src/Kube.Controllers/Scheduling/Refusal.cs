namespace Kube.Controllers;

/// <summary>Why a node will not do for a pod, in kube-scheduler's words.</summary>
/// <param name="IsFinal">No pod that leaves the node changes it.</param>
public readonly record struct Refusal(string Reason, bool IsFinal);
