using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

internal static class OwnerReferences
{
    /// <summary>The reference by which a controller's object is owned, which also holds back the owner's foreground deletion.</summary>
    public static JsonObject Controller(KubeObject owner, ResourceKind kind) => new()
    {
        ["apiVersion"] = kind.ApiVersion,
        ["kind"] = kind.Kind,
        ["name"] = owner.Meta.Name,
        ["uid"] = owner.Meta.Uid,
        ["controller"] = true,
        ["blockOwnerDeletion"] = true,
    };
}
