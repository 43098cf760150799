namespace Kube.Types;

/// <summary>A patch that cannot be applied: it is malformed, or it does not fit the object. The request's author must act.</summary>
public sealed class PatchException(string message, bool malformed = false) : Exception(message)
{
    /// <summary>True when the patch itself is no patch (400 Bad Request), false when it does not fit the object (422 Invalid).</summary>
    public bool Malformed { get; } = malformed;
}
