using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Tokens of service accounts: JSON Web Tokens with the claims that Kubernetes puts in, signed with a key of this server alone (HMAC with
/// SHA-256: nobody else has to check them). A token lasts as long as the account that it names, and the pod that it is bound to.
/// </summary>
internal sealed class ServiceAccountTokens(ServerState server)
{
    public const string Issuer = "https://kubernetes.default.svc.cluster.local";

    /// <summary><c>{"alg":"HS256","typ":"JWT"}</c>.</summary>
    private static readonly string Header = Encode("""{"alg":"HS256","typ":"JWT"}"""u8);

    /// <param name="boundTo">The pod whose end ends the token; null for none.</param>
    public string Issue(ObjectKey account, string uid, IEnumerable<string> audiences, DateTimeOffset expires, (string Name, string Uid)? boundTo)
    {
        var now = server.Time.GetUtcNow();
        var kubernetes = new JsonObject { ["namespace"] = account.Namespace, ["serviceaccount"] = new JsonObject { ["name"] = account.Name, ["uid"] = uid } };
        if (boundTo is var (pod, podUid)) kubernetes["pod"] = new JsonObject { ["name"] = pod, ["uid"] = podUid };
        var claims = new JsonObject
        {
            ["aud"] = new JsonArray([.. audiences.Select(static a => (JsonNode)a)]),
            ["exp"] = expires.ToUnixTimeSeconds(),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["iss"] = Issuer,
            ["jti"] = server.Entropy.NewUid(),
            ["kubernetes.io"] = kubernetes,
            ["nbf"] = now.ToUnixTimeSeconds(),
            ["sub"] = UserName(account),
        };
        var signed = $"{Header}.{Encode(claims.ToUtf8())}";
        return $"{signed}.{Encode(Sign(signed))}";
    }

    /// <summary>Whose token this is; null when it is none of this server's, has expired, is for others, or its account or pod is gone.</summary>
    public ObjectKey? Verify(string token)
    {
        var end = token.LastIndexOf('.');
        if (end < 0 || !token.StartsWith(Header + ".", StringComparison.Ordinal)) return null;
        if (!CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Encode(Sign(token[..end]))), Encoding.ASCII.GetBytes(token[(end + 1)..]))) return null;
        using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(token.AsSpan((Header.Length + 1)..end)));
        var claims = document.RootElement;
        if (claims.Integer("exp") is not { } expires || expires <= server.Time.GetUtcNow().ToUnixTimeSeconds()) return null;
        if (!claims.Words("aud").Contains(Issuer)) return null;
        var who = claims.At("kubernetes.io");
        var account = new ObjectKey(who.Text("namespace") ?? "", who.Text("serviceaccount", "name") ?? "");
        return Lives(Kinds.ServiceAccount, account, who.At("serviceaccount")) && (!who.Has("pod") || Lives(Kinds.Pod, new ObjectKey(account.Namespace, who.Text("pod", "name") ?? ""), who.At("pod"))) ? account : null;
    }

    public static string UserName(ObjectKey account) => $"system:serviceaccount:{account.Namespace}:{account.Name}";

    private bool Lives(ResourceKind kind, ObjectKey key, JsonElement claim) =>
        server.Registry.Find(kind.Group, kind.Version, kind.Plural) is { } resource && server.Store.Find(resource.Objects, key)?.Header.Uid == claim.Text("uid");

    private byte[] Sign(string text) => HMACSHA256.HashData(server.Options.TokenKey.Span, Encoding.ASCII.GetBytes(text));

    private static string Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);
}

/// <summary>POST <c>serviceaccounts/NAME/token</c>: a TokenRequest.</summary>
internal static class TokenRequests
{
    private const long SecondsAtLeast = 600;
    private const long SecondsAtMost = 1L << 32;
    private const long SecondsOtherwise = 3600;

    public static ApiResponse Create(ServerState server, ResourceCall call)
    {
        var request = Bodies.Parse(call.Request) as JsonObject ?? throw Failures.BadRequest("a TokenRequest is expected");
        var account = Reading.Get(server, call);
        var spec = request.Object("spec");
        var seconds = spec.Integer("expirationSeconds") ?? SecondsOtherwise;
        var errors = ImmutableArray.CreateBuilder<FieldError>();
        if (seconds < SecondsAtLeast) errors.Add(FieldError.Invalid("spec.expirationSeconds", seconds.ToString(CultureInfo.InvariantCulture), "may not specify a duration less than 10 minutes"));
        if (seconds > SecondsAtMost) errors.Add(FieldError.Invalid("spec.expirationSeconds", seconds.ToString(CultureInfo.InvariantCulture), "may not specify a duration larger than 2^32 seconds"));
        if (errors.Count > 0) throw Failures.Invalid(new ResourceKind("authentication.k8s.io", "v1", "TokenRequest", "tokenrequests"), call.Name!, errors.ToImmutable());

        var audiences = spec.Texts("audiences").ToList();
        if (audiences.Count == 0) audiences.Add(ServiceAccountTokens.Issuer);
        var expires = server.Time.GetUtcNow().AddSeconds(seconds);
        var token = server.Tokens.Issue(call.Key, account.Header.Uid, audiences, expires, BoundPod(server, call, spec));
        spec["audiences"] = new JsonArray([.. audiences.Select(static a => (JsonNode)a)]);
        spec["expirationSeconds"] = seconds;
        spec.Default("boundObjectRef", new JsonObject());
        if (spec.Members("boundObjectRef") is { Count: 0 }) spec["boundObjectRef"] = null;
        request["apiVersion"] = "authentication.k8s.io/v1";
        request["kind"] = "TokenRequest";
        request["metadata"] = new JsonObject { ["name"] = call.Name, ["namespace"] = call.Namespace, ["creationTimestamp"] = KubeTime.Format(server.Time.GetUtcNow()) };
        request["status"] = new JsonObject { ["token"] = token, ["expirationTimestamp"] = KubeTime.Format(expires) };
        return ApiResponse.Of(request, 201);
    }

    /// <summary>The pod that the token is for, which must be there and, where its uid is given, be the very one.</summary>
    private static (string Name, string Uid)? BoundPod(ServerState server, ResourceCall call, JsonObject spec)
    {
        if (spec.Members("boundObjectRef") is not { Count: > 0 } bound) return null;
        if (bound.Text("kind") != "Pod") throw Failures.BadRequest($"cannot bind token to object of type {bound.Text("apiVersion")}, Kind={bound.Text("kind")}");
        var name = bound.Text("name") ?? "";
        var pods = server.Registry.Find("", "v1", Kinds.Pod.Plural)!;
        var pod = server.Store.Find(pods.Objects, new ObjectKey(call.Namespace!, name)) ?? throw Failures.NotFound(Kinds.Pod, name);
        if (bound.Text("uid") is { Length: > 0 } uid && uid != pod.Header.Uid)
        {
            throw Failures.Conflict(Kinds.Pod, name, $"the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated");
        }

        return (name, pod.Header.Uid);
    }
}
