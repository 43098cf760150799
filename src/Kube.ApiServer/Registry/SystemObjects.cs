using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What every cluster has from the start: its four namespaces, two priority classes, and the Service by which pods find the API.</summary>
internal static class SystemObjects
{
    private static readonly string[] Namespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];

    public static void Create(ServerState state)
    {
        foreach (var name in Namespaces) Create(state, Kinds.Namespace, null, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } });
        foreach (var priority in SystemPriorityClasses.All) Create(state, Kinds.PriorityClass, null, priority);
        Create(state, Kinds.Service, KubernetesService.Namespace, KubernetesService.Object);
    }

    /// <summary>Creates an object as a client would.</summary>
    public static void Create(ServerState state, ResourceKind kind, string? ns, JsonObject obj)
    {
        var resource = state.Registry.Find(kind.Group, kind.Version, kind.Plural)!;
        obj["apiVersion"] = kind.ApiVersion;
        obj["kind"] = kind.Kind;
        Creation.Create(obj, new WriteContext(state, new ResourceCall(new ApiRequest("POST", ""), Query.Parse(""), resource, ns, null, null)));
    }
}
