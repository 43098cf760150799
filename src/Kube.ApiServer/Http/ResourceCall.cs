namespace Kube.ApiServer;

/// <summary>A request that means a resource: what its URL says.</summary>
/// <param name="Namespace">Null: all namespaces, or a cluster-scoped kind.</param>
/// <param name="Name">Null: the collection.</param>
/// <param name="Subresource">Null: the object itself.</param>
internal sealed record ResourceCall(ApiRequest Request, Query Query, ServedResource Resource, string? Namespace, string? Name, string? Subresource)
{
    public Kube.Types.ObjectKey Key => new(Resource.Kind.Namespaced ? Namespace ?? "" : "", Name ?? "");
}
