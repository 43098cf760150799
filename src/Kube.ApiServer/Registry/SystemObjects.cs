using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What every cluster has from the start: its four namespaces.</summary>
internal static class SystemObjects
{
    private static readonly string[] Namespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];

    public static void Create(ServerState state)
    {
        var namespaces = state.Registry.Find("", "v1", "namespaces")!;
        foreach (var name in Namespaces)
        {
            var call = new ResourceCall(new ApiRequest("POST", ""), Query.Parse(""), namespaces, null, null, null);
            var obj = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = name } };
            Creation.Create(obj, new WriteContext(state, call));
        }
    }
}
