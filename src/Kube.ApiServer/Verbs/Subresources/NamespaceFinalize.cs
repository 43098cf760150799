using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>PUT <c>namespaces/NAME/finalize</c>: the namespace controller says that nothing is left in it.</summary>
internal static class NamespaceFinalize
{
    public static ApiResponse Put(ServerState server, ResourceCall call, CancellationToken cancellation)
    {
        var context = new WriteContext(server, call);
        var finalizers = Bodies.Object(context).Texts("spec", "finalizers").ToList();
        var done = DirectUpdate.Apply(
            context,
            ns =>
            {
                if (finalizers.Count > 0) ns.Object("spec")["finalizers"] = finalizers.ToTree();
                else ns.Object("spec").Remove("finalizers");
            },
            cancellation);
        return ApiResponse.Of(done.Utf8);
    }
}
