namespace Kube.ApiServer;

/// <summary>The subresources beside <c>status</c>.</summary>
internal static class Subresources
{
    public static ValueTask<ApiResponse> HandleAsync(ServerState server, ResourceCall call, CancellationToken cancellation) =>
        (call.Resource.Kind.Group, call.Resource.Kind.Plural, call.Subresource) switch
        {
            _ => new(ApiResponse.NotServed),
        };
}
