using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Questions about identity and rights. Whoever holds a token of this cluster may do everything: RBAC objects are stored, not
/// enforced, so every question about a right is answered with yes.
/// </summary>
internal sealed class Reviews(ServerState server)
{
    private static readonly ResourceKind TokenReview = new("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", Namespaced: false);
    private static readonly ResourceKind SelfSubject = new("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", Namespaced: false);
    private static readonly ResourceKind LocalAccess = new("authorization.k8s.io", "v1", "LocalSubjectAccessReview", "localsubjectaccessreviews");
    private static readonly ResourceKind SelfAccess = new("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", Namespaced: false);
    private static readonly ResourceKind SelfRules = new("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", Namespaced: false);
    private static readonly ResourceKind Access = new("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", Namespaced: false);

    public static readonly ImmutableArray<ResourceKind> All = [SelfSubject, TokenReview, LocalAccess, SelfAccess, SelfRules, Access];

    /// <summary>Null when the path is no review's.</summary>
    public ApiResponse? TryAnswer(ApiRequest request)
    {
        if (request.Method != "POST" || RequestPath.Parse(request.Path) is not { Name: null, Plural: { } plural } path) return null;
        var kind = All.FirstOrDefault(k => k.Group == path.Group && k.Version == path.Version && k.Plural == plural);
        if (kind is null || kind.Namespaced != path.Namespace is not null) return null;
        var asked = Bodies.Parse(request) as JsonObject ?? [];
        var answer = new JsonObject
        {
            ["kind"] = kind.Kind,
            ["apiVersion"] = kind.ApiVersion,
            ["metadata"] = new JsonObject { ["creationTimestamp"] = KubeTime.Format(server.Time.GetUtcNow()) },
        };
        if (asked["spec"] is { } spec) answer["spec"] = spec.DeepClone();
        answer["status"] = Status(kind, asked["spec"], path.Namespace, request.User);
        return ApiResponse.Of(answer, 201);
    }

    private JsonObject Status(ResourceKind kind, JsonNode? spec, string? ns, ApiUser user)
    {
        if (kind == SelfSubject) return new JsonObject { ["userInfo"] = Describe(user) };
        if (kind == TokenReview) return Known(spec.Text("token") ?? "");
        if (kind == SelfRules)
        {
            if (string.IsNullOrEmpty(spec.Text("namespace"))) throw Failures.BadRequest("no namespace on request");
            return Everything();
        }

        Validate(kind, spec, ns);
        return new JsonObject { ["allowed"] = true, ["reason"] = "this cluster stores RBAC objects and does not enforce them" };
    }

    private JsonObject Known(string token)
    {
        if (token.Length == 0) throw Failures.BadRequest("token is required for TokenReview in authentication");
        if (server.Tokens.Authenticate(token) is not { } user) return new JsonObject { ["user"] = new JsonObject(), ["error"] = "invalid bearer token" };
        return new JsonObject { ["authenticated"] = true, ["user"] = Describe(user), ["audiences"] = new JsonArray(ServiceAccountTokens.Issuer) };
    }

    private static JsonObject Describe(ApiUser user)
    {
        var info = new JsonObject { ["username"] = user.Name };
        if (user.Uid.Length > 0) info["uid"] = user.Uid;
        info["groups"] = user.Groups.ToTree();
        if (user.Extra.IsEmpty) return info;
        var extra = info.Object("extra");
        foreach (var (key, value) in user.Extra.OrderBy(static e => e.Key, StringComparer.Ordinal)) extra[key] = new JsonArray(value);
        return info;
    }

    private static JsonObject Everything() => new()
    {
        ["resourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("*"), ["apiGroups"] = new JsonArray("*"), ["resources"] = new JsonArray("*") }),
        ["nonResourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("*"), ["nonResourceURLs"] = new JsonArray("*") }),
        ["incomplete"] = false,
    };

    private static void Validate(ResourceKind kind, JsonNode? spec, string? ns)
    {
        var errors = new List<FieldError>();
        if (spec?["resourceAttributes"] is null == spec?["nonResourceAttributes"] is null)
        {
            errors.Add(FieldError.Invalid("spec.resourceAttributes", "null", "exactly one of nonResourceAttributes or resourceAttributes must be specified"));
        }

        if (kind != SelfAccess && string.IsNullOrEmpty(spec.Text("user")) && !spec.Texts("groups").Any())
        {
            errors.Add(FieldError.Invalid("spec.user", "\"\"", "at least one of user or group must be specified"));
        }

        if (kind == LocalAccess && spec.Text("resourceAttributes", "namespace") is var asked && asked != ns)
        {
            errors.Add(FieldError.Invalid("spec.resourceAttributes.namespace", $"\"{asked}\"", "must match metadata.namespace"));
        }

        if (errors.Count > 0) throw Failures.Invalid(kind, "", [.. errors]);
    }
}
