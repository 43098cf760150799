using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>POST <c>serviceaccounts/NAME/token</c> (<c>authentication.k8s.io/v1 TokenRequest</c>): a token by which its bearer is that account.</summary>
internal static class TokenRequests
{
    private const long SecondsDefault = 3600;
    private const long SecondsMin = 600;
    private static readonly ResourceKind RequestKind = new("authentication.k8s.io", "v1", "TokenRequest", "tokenrequests");

    public static ApiResponse Create(ServerState server, ResourceCall call)
    {
        var account = Reading.Get(server, call);
        var request = Bodies.Parse(call.Request) as JsonObject ?? throw Failures.BadRequest("a TokenRequest is expected");
        var spec = request.Object("spec");
        if (!spec.Texts("audiences").Any()) spec["audiences"] = new JsonArray(ServiceAccountTokens.Issuer);
        spec.Default("expirationSeconds", SecondsDefault);
        Validate(spec);
        var now = server.Time.GetUtcNow();
        var until = now.AddSeconds(spec.Integer("expirationSeconds")!.Value);
        var token = server.Tokens.Issue(account, spec.Texts("audiences"), until, Bound(server, call, spec["boundObjectRef"]));
        return ApiResponse.Of(
            new JsonObject
            {
                ["kind"] = RequestKind.Kind,
                ["apiVersion"] = RequestKind.ApiVersion,
                ["metadata"] = new JsonObject { ["name"] = call.Name, ["namespace"] = call.Namespace, ["creationTimestamp"] = KubeTime.Format(now) },
                ["spec"] = spec.DeepClone(),
                ["status"] = new JsonObject { ["token"] = token, ["expirationTimestamp"] = KubeTime.Format(until) },
            },
            201);
    }

    private static void Validate(JsonObject spec)
    {
        var seconds = spec.Integer("expirationSeconds");
        var fault = seconds switch
        {
            < SecondsMin or null => "may not specify a duration less than 10 minutes",
            > 1L << 32 => "may not specify a duration larger than 2^32 seconds",
            _ => null,
        };
        if (fault is not null) throw Failures.Invalid(RequestKind, "", [FieldError.Invalid("spec.expirationSeconds", $"{seconds}", fault)]);
    }

    private static BoundObject? Bound(ServerState server, ResourceCall call, JsonNode? reference)
    {
        if (reference is not JsonObject) return null;
        var kind = BoundObject.Kinds.FirstOrDefault(k => k.Kind == reference.Text("kind") && k.ApiVersion == reference.Text("apiVersion"))
            ?? throw Failures.BadRequest($"cannot bind token for serviceaccount \"{call.Name}\" to object {reference.Text("kind")}, {reference.Text("apiVersion")}");
        var name = reference.Text("name") ?? "";
        var found = server.Objects(kind).Find(new ObjectKey(kind.Namespaced ? call.Namespace! : "", name)) ?? throw Failures.NotFound(kind, name);
        if (reference.Text("uid") is { Length: > 0 } uid && uid != found.Header.Uid)
        {
            throw Failures.Conflict(kind, name,
                $"the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated");
        }

        return new BoundObject(BoundObject.ClaimOf(kind), name, found.Header.Uid);
    }
}
