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
/// Tokens by which a request comes from a service account: signed JSON web tokens with the claims of Kubernetes' own (RFC 7519;
/// HMAC with SHA-256, as nobody but this server reads them). One ends with its time, its account, and the object it was bound to.
/// </summary>
internal sealed class ServiceAccountTokens(ServerState server)
{
    public const string Issuer = "https://kubernetes.default.svc.cluster.local";
    private static readonly string Header = Part(new JsonObject { ["alg"] = "HS256", ["typ"] = "JWT" });
    private readonly byte[] _key = server.Options.TokenKey is { IsEmpty: false } given ? given.ToArray() : server.Entropy.Bytes(32);

    public string Issue(StoredObject account, IEnumerable<string> audiences, DateTimeOffset until, BoundObject? bound)
    {
        var now = server.Time.GetUtcNow().ToUnixTimeSeconds();
        var (ns, name) = (account.Key.Namespace, account.Key.Name);
        var place = new JsonObject { ["namespace"] = ns, ["serviceaccount"] = new JsonObject { ["name"] = name, ["uid"] = account.Header.Uid } };
        if (bound is not null) place[bound.Claim] = new JsonObject { ["name"] = bound.Name, ["uid"] = bound.Uid };
        var claims = new JsonObject
        {
            ["aud"] = audiences.ToTree(),
            ["exp"] = until.ToUnixTimeSeconds(),
            ["iat"] = now,
            ["iss"] = Issuer,
            ["jti"] = server.Entropy.NewUid(),
            ["kubernetes.io"] = place,
            ["nbf"] = now,
            ["sub"] = UserName(ns, name),
        };
        var signed = $"{Header}.{Part(claims)}";
        return $"{signed}.{Sign(signed)}";
    }

    /// <summary>Whom a token stands for; null when it is none of this server's, or over.</summary>
    public ApiUser? Authenticate(string token)
    {
        if (token.Split('.') is not [var header, var body, var signature]) return null;
        if (!CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Sign($"{header}.{body}")), Encoding.UTF8.GetBytes(signature))) return null;
        var claims = JsonTree.Read(Base64Url.DecodeFromChars(body));
        if (claims.Integer("exp") <= server.Time.GetUtcNow().ToUnixTimeSeconds() || !claims.Texts("aud").Contains(Issuer)) return null;
        var place = claims["kubernetes.io"];
        var (ns, name) = (place.Text("namespace") ?? "", place.Text("serviceaccount", "name") ?? "");
        if (!Exists(Kinds.ServiceAccount, ns, place, "serviceaccount")) return null;
        foreach (var kind in BoundObject.Kinds)
        {
            if (place.At(BoundObject.ClaimOf(kind)) is not null && !Exists(kind, kind.Namespaced ? ns : "", place, BoundObject.ClaimOf(kind))) return null;
        }

        var extra = ImmutableDictionary<string, string>.Empty.Add("authentication.kubernetes.io/credential-id", $"JTI={claims.Text("jti")}");
        if (place.Text("pod", "name") is { } pod) extra = extra.Add("authentication.kubernetes.io/pod-name", pod).Add("authentication.kubernetes.io/pod-uid", place.Text("pod", "uid") ?? "");
        return new ApiUser(UserName(ns, name), ["system:serviceaccounts", $"system:serviceaccounts:{ns}", "system:authenticated"])
        {
            Uid = place.Text("serviceaccount", "uid") ?? "",
            Extra = extra,
        };
    }

    private bool Exists(ResourceKind kind, string ns, JsonNode? place, string claim) =>
        server.Objects(kind).Find(new ObjectKey(ns, place.Text(claim, "name") ?? "")) is { } found && found.Header.Uid == place.Text(claim, "uid");

    private static string UserName(string ns, string name) => string.Create(CultureInfo.InvariantCulture, $"system:serviceaccount:{ns}:{name}");

    private static string Part(JsonObject tree) => Base64Url.EncodeToString(tree.ToUtf8());

    private string Sign(string text) => Base64Url.EncodeToString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text)));
}

/// <summary>The object whose end ends a token.</summary>
/// <param name="Claim">Its kind in the token's claims.</param>
internal sealed record BoundObject(string Claim, string Name, string Uid)
{
    public static readonly ImmutableArray<ResourceKind> Kinds = [Types.Kinds.Pod, Types.Kinds.Secret, Types.Kinds.Node];

    public static string ClaimOf(ResourceKind kind) => kind.Kind.ToLowerInvariant();
}
