using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Questions about rights. Whoever holds the token is the owner and may do everything: RBAC objects are stored, not enforced.
/// </summary>
internal static class Reviews
{
    private const string User = "owner";
    private static readonly string[] UserGroups = ["system:masters", "system:authenticated"];

    public static readonly ImmutableArray<Review> All =
    [
        new(new("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", Namespaced: false), static _ => new JsonObject
        {
            ["userInfo"] = new JsonObject { ["username"] = User, ["groups"] = UserGroups.ToTree() },
        }),
        new(new("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", Namespaced: false), static _ => Allowed()),
        new(new("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", Namespaced: false), static _ => new JsonObject
        {
            ["resourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("*"), ["apiGroups"] = new JsonArray("*"), ["resources"] = new JsonArray("*") }),
            ["nonResourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("*"), ["nonResourceURLs"] = new JsonArray("*") }),
            ["incomplete"] = false,
        }),
        new(new("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", Namespaced: false), static _ => Allowed()),
    ];

    public static ApiResponse? TryAnswer(ApiRequest request)
    {
        if (request.Method != "POST" || RequestPath.Parse(request.Path) is not { Name: null, Plural: { } plural } path) return null;
        var review = All.FirstOrDefault(r => r.Kind.Group == path.Group && r.Kind.Version == path.Version && r.Kind.Plural == plural);
        if (review is null) return null;
        var asked = Bodies.Parse(request) as JsonObject ?? [];
        var answer = new JsonObject { ["kind"] = review.Kind.Kind, ["apiVersion"] = review.Kind.ApiVersion, ["metadata"] = new JsonObject { ["creationTimestamp"] = null } };
        if (asked["spec"] is { } spec) answer["spec"] = spec.DeepClone();
        answer["status"] = review.Status(asked);
        return ApiResponse.Of(answer, 201);
    }

    private static JsonObject Allowed() => new() { ["allowed"] = true, ["reason"] = "the holder of the token owns this cluster" };

    internal sealed record Review(ResourceKind Kind, Func<JsonObject, JsonObject> Status);
}
