using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Objects are created in namespaces that exist and are not being deleted; the system's own namespaces stay.</summary>
internal sealed class NamespaceLifecycle : AdmissionRule
{
    private static readonly string[] Immortal = ["default", "kube-system", "kube-public"];

    public override void Admit(JsonObject obj, WriteContext context)
    {
        if (!context.Kind.Namespaced) return;
        var ns = context.Call.Namespace ?? "";
        if (context.Server.Objects(Kinds.Namespace).Find(new ObjectKey("", ns)) is not { } found) throw Failures.NotFound(Kinds.Namespace, ns);
        if (!found.Header.Terminating) return;
        var refusal = Failures.Forbidden(context.Kind, obj.Text("metadata", "name") ?? "", $"unable to create new content in namespace {ns} because it is being terminated");
        throw new ApiException(refusal.Status with { Causes = [new ApiStatusCause("NamespaceTerminating", $"namespace {ns} is being terminated", "metadata.namespace")] });
    }

    public override void CheckDeletion(JsonObject obj, WriteContext context)
    {
        if (context.Kind == Kinds.Namespace && Immortal.Contains(context.Call.Name)) throw Failures.Forbidden(context.Kind, context.Call.Name!, "this namespace may not be deleted");
    }
}
