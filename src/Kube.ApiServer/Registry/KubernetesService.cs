using System.Net;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Where the API server can be reached, for those who ask the cluster itself.</summary>
/// <param name="Address">The address that pods can use.</param>
/// <param name="AuthorityPem">The authority whose certificates the server shows.</param>
public sealed record ApiAddress(IPAddress Address, int Port, string AuthorityPem);

/// <summary>
/// The Service <c>kubernetes</c> of the namespace <c>default</c>, at the first address of the Services' range; its endpoints; and
/// the ConfigMap <c>kube-root-ca.crt</c> of every namespace. By these a pod finds the API server and knows it is the right one.
/// </summary>
internal static class KubernetesService
{
    public const string Namespace = "default";
    public const string Name = "kubernetes";
    private const string Address = "10.96.0.1";
    private const string PortName = "https";
    private const string AuthorityName = "kube-root-ca.crt";

    /// <summary>The port that a server listens on which has not said where it is.</summary>
    private const int UnknownPort = 6443;

    public static JsonObject Object => new()
    {
        ["metadata"] = new JsonObject { ["name"] = Name, ["labels"] = new JsonObject { ["component"] = "apiserver", ["provider"] = "kubernetes" } },
        ["spec"] = new JsonObject
        {
            ["clusterIP"] = Address,
            ["ports"] = new JsonArray(new JsonObject { ["name"] = PortName, ["port"] = 443, ["protocol"] = "TCP", ["targetPort"] = UnknownPort }),
        },
    };

    /// <summary>Makes the cluster's own objects say where the server is; again when it moves.</summary>
    public static void Publish(ServerState server, ApiAddress at)
    {
        server.Address = at;
        Put(server, Kinds.Service, Name, service => ((JsonObject)service["spec"]!["ports"]![0]!)["targetPort"] = at.Port, () => Object);
        Put(server, Kinds.Endpoints, Name, endpoints => endpoints["subsets"] = Subsets(at), () => Named(Name, slice: true));
        Put(server, Kinds.EndpointSlice, Name, slice => Describe(slice, at), () => Slice);
        foreach (var ns in server.Objects(Kinds.Namespace).Objects.Where(static n => !n.Header.Terminating)) PublishAuthority(server, ns.Key.Name);
    }

    /// <summary>Puts the authority into a namespace, once it is known.</summary>
    public static void PublishAuthority(ServerState server, string ns)
    {
        if (server.Address is not { } at) return;
        Put(server, Kinds.ConfigMap, AuthorityName, map => map["data"] = new JsonObject { ["ca.crt"] = at.AuthorityPem }, static () => Authority, ns);
    }

    private static JsonObject Authority
    {
        get
        {
            var map = Named(AuthorityName, slice: false);
            map.Object("metadata")["annotations"] = new JsonObject
            {
                ["kubernetes.io/description"] = "The authority by which pods know the API server when they reach it inside the cluster, as kubernetes.default.svc.",
            };
            return map;
        }
    }

    private static JsonObject Slice
    {
        get
        {
            var slice = Named(Name, slice: false);
            slice.Object("metadata")["labels"] = new JsonObject { ["kubernetes.io/service-name"] = Name };
            slice["addressType"] = "IPv4";
            return slice;
        }
    }

    private static JsonObject Named(string name, bool slice)
    {
        var meta = new JsonObject { ["name"] = name };
        // Nobody else is to make a slice of these Endpoints.
        if (slice) meta["labels"] = new JsonObject { ["endpointslice.kubernetes.io/skip-mirror"] = "true" };
        return new JsonObject { ["metadata"] = meta };
    }

    private static JsonArray Subsets(ApiAddress at) => new(new JsonObject
    {
        ["addresses"] = new JsonArray(new JsonObject { ["ip"] = at.Address.ToString() }),
        ["ports"] = new JsonArray(new JsonObject { ["name"] = PortName, ["port"] = at.Port, ["protocol"] = "TCP" }),
    });

    private static void Describe(JsonObject slice, ApiAddress at)
    {
        slice["endpoints"] = new JsonArray(new JsonObject { ["addresses"] = new JsonArray(at.Address.ToString()), ["conditions"] = new JsonObject { ["ready"] = true } });
        slice["ports"] = new JsonArray(new JsonObject { ["name"] = PortName, ["port"] = at.Port, ["protocol"] = "TCP" });
    }

    private static void Put(ServerState server, ResourceKind kind, string name, Action<JsonObject> change, Func<JsonObject> create, string ns = Namespace)
    {
        var resource = server.Registry.Find(kind.Group, kind.Version, kind.Plural)!;
        if (resource.Objects.Find(new ObjectKey(ns, name)) is null)
        {
            var made = create();
            change(made);
            SystemObjects.Create(server, kind, ns, made);
            return;
        }

        DirectUpdate.Apply(new WriteContext(server, new ResourceCall(new ApiRequest("PATCH", ""), Query.Parse(""), resource, ns, name, null)), change, CancellationToken.None);
    }
}
