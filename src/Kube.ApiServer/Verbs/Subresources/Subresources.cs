using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The subresources beside <c>status</c>: one line each.</summary>
internal static class Subresources
{
    public static async ValueTask<ApiResponse> HandleAsync(ServerState server, ResourceCall call, CancellationToken cancellation)
    {
        var kind = call.Resource.Kind;
        return (kind.Group, kind.Plural, call.Subresource, call.Request.Method) switch
        {
            ("", "pods", "exec", "GET" or "POST") => PodExec.Exec(server, call),
            ("", "pods", "attach", "GET" or "POST") => PodExec.Attach(server, call),
            ("", "pods", "portforward", _) => throw NotOffered("ports of pods cannot be forwarded from here (kubectl port-forward); run the client in a pod: kubectl exec POD -- curl http://ADDRESS:PORT"),
            ("", "pods", "ephemeralcontainers", _) => throw NotOffered("ephemeral containers (kubectl debug) do not exist here; every program of this machine is in every container: kubectl exec"),
            ("", "pods", "log", "GET") => await PodLog.OpenAsync(server, call, cancellation),
            ("", "pods", "binding", "POST") => PodBinding.Bind(server, call, cancellation),
            ("", "pods", "eviction", "POST") => PodEviction.Evict(server, call, cancellation),
            ("", "serviceaccounts", "token", "POST") => TokenRequests.Create(server, call),
            ("", "namespaces", "finalize", "PUT") => NamespaceFinalize.Put(server, call, cancellation),
            (_, _, "scale", "GET" or "PUT" or "PATCH") when call.Resource.Strategy.Scale is { } paths => ScaleSubresource.Handle(server, call, paths, cancellation),
            _ => throw NotServed(call),
        };
    }

    private static ApiException NotOffered(string message) => new(new ApiStatus(501, "NotImplemented", message));

    /// <summary>The server of custom resources takes a subresource that it does not have for an object that is not there.</summary>
    public static ApiException NotServed(ResourceCall call) =>
        call.Resource.Strategy is CustomResourceKind ? Failures.NotFound(call.Resource.Kind, call.Name ?? "") : Failures.NotServed();
}
