using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The admission rule <c>NamespaceLifecycle</c>: objects are created in namespaces that exist and are not being deleted.</summary>
internal static class NamespaceRules
{
    public static void RequireOpen(WriteContext context)
    {
        var ns = context.Call.Namespace ?? "";
        var registry = context.Server.Registry;
        if (registry.Find("", "v1", "namespaces") is not { } namespaces) return;
        if (context.Server.Store.Find(namespaces.Objects, new ObjectKey("", ns)) is not { } found) throw Failures.NotFound(Kinds.Namespace, ns);
        if (!found.Header.Terminating) return;
        var refusal = Failures.Forbidden(context.Kind, context.Call.Name ?? "", $"unable to create new content in namespace {ns} because it is being terminated");
        throw new ApiException(refusal.Status with { Causes = [new ApiStatusCause("NamespaceTerminating", $"namespace {ns} is being terminated", "metadata.namespace")] });
    }
}
