using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Mpi.Operator;

/// <summary>
/// Answers whether an object of a given name is a given job's child. Where reading is the operator's right this is a GET.
/// Secrets and ConfigMaps it must not read across the cluster (design section 7): there it sends a JSON patch that tests
/// the owner and changes nothing, which the server answers with the object when it is ours and with 422 when it is not.
/// </summary>
public sealed class Ownership(IKubeClient client)
{
    /// <exception cref="ApiException">The server refused to answer.</exception>
    /// <exception cref="HttpRequestException">It did not answer.</exception>
    public async Task<Finding> LookAsync(ResourceKind kind, ObjectKey key, string ownerUid, CancellationToken cancellation)
    {
        try
        {
            if (kind != Kinds.Secret && kind != Kinds.ConfigMap)
            {
                var found = await client.GetAsync(kind, key.Namespace, key.Name, cancellation);
                return found.Meta.Controller?.Uid == ownerUid ? new Finding.Ours(found) : new Finding.Foreign(found);
            }

            // Our own objects carry one owner reference, made with the object.
            var ask = new JsonArray(new JsonObject { ["op"] = "test", ["path"] = "/metadata/ownerReferences/0/uid", ["value"] = ownerUid });
            return new Finding.Ours(await client.PatchAsync(kind, key.Namespace, key.Name, Patch.Json(ask), null, cancellation));
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return new Finding.Absent();
        }
        catch (ApiException e) when (e.Status.Code == 422)
        {
            return new Finding.Foreign(null);
        }
    }

    public abstract record Finding
    {
        private Finding() { }

        /// <param name="Object">As the server holds it now.</param>
        public sealed record Ours(KubeObject Object) : Finding;

        /// <param name="Object">Null where we must not read it.</param>
        public sealed record Foreign(KubeObject? Object) : Finding;

        public sealed record Absent : Finding;
    }
}
