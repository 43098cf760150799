using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

internal static class Deletion
{
    /// <summary>Deletes this incarnation of an object. False when it is gone, or another bears its name by now.</summary>
    public static async Task<bool> IfThereAsync(IKubeWriter client, ResourceKind kind, ObjectMeta meta, CancellationToken cancellation, string? propagation = null)
    {
        try
        {
            await client.DeleteAsync(kind, kind.Namespaced ? meta.Namespace : null, meta.Name, new DeleteOptions(Uid: meta.Uid, Propagation: propagation), cancellation);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            return false;
        }
    }
}
