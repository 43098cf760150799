using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kube.Types;

/// <summary>The <c>Status</c> object with which the API answers a failure (<c>metav1.Status</c>).</summary>
/// <param name="Code">The HTTP status code.</param>
/// <param name="Reason">The machine-readable cause, such as <see cref="ApiReason.Conflict"/>.</param>
/// <param name="Message">For people.</param>
public sealed record ApiStatus(int Code, string Reason, string Message)
{
    /// <summary>The object meant, where there is one: group, plural or kind, name.</summary>
    public string Group { get; init; } = "";
    public string Resource { get; init; } = "";
    public string Name { get; init; } = "";

    /// <summary>How long to wait before a retry, when the server said so.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public ImmutableArray<ApiStatusCause> Causes { get; init; } = [];

    /// <summary>Reads a failure's body; an answer that is no <c>Status</c> (a proxy's page, say) becomes one with its text.</summary>
    public static ApiStatus Read(int code, ReadOnlySpan<byte> body)
    {
        try
        {
            var root = JsonElement.Parse(body, JsonLimits.Options);
            if (root.Text("kind") == "Status")
            {
                return new ApiStatus((int)(root.Integer("code") ?? code), root.Text("reason") ?? ApiReason.Unknown, root.Text("message") ?? "")
                {
                    Group = root.Text("details", "group") ?? "",
                    Resource = root.Text("details", "kind") ?? "",
                    Name = root.Text("details", "name") ?? "",
                    RetryAfter = root.Integer("details", "retryAfterSeconds") is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : null,
                    Causes = [.. root.Items("details", "causes").Select(static c => new ApiStatusCause(c.Text("reason") ?? "", c.Text("message") ?? "", c.Text("field") ?? ""))],
                };
            }
        }
        catch (JsonException)
        {
            // Not an API server's answer: its text is all there is to show.
        }

        var text = System.Text.Encoding.UTF8.GetString(body[..Math.Min(body.Length, 512)]).Trim();
        return new ApiStatus(code, ApiReason.Unknown, text.Length > 0 ? text : $"HTTP status {code}");
    }

    public JsonObject ToTree()
    {
        var tree = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = Code < 400 ? "Success" : "Failure",
            ["message"] = Message,
        };
        if (Reason.Length > 0) tree["reason"] = Reason;
        var details = new JsonObject();
        if (Name.Length > 0) details["name"] = Name;
        if (Group.Length > 0) details["group"] = Group;
        if (Resource.Length > 0) details["kind"] = Resource;
        if (Causes.Length > 0)
        {
            details["causes"] = new JsonArray([.. Causes.Select(static c => new JsonObject { ["reason"] = c.Reason, ["message"] = c.Message, ["field"] = c.Field })]);
        }

        if (RetryAfter is { } wait) details["retryAfterSeconds"] = (long)Math.Ceiling(wait.TotalSeconds);
        if (details.Count > 0) tree["details"] = details;
        tree["code"] = Code;
        return tree;
    }
}

/// <summary>One field's fault within an <see cref="ApiStatus"/>.</summary>
public sealed record ApiStatusCause(string Reason, string Message, string Field);

/// <summary>The values of <c>Status.reason</c> (<c>metav1.StatusReason</c>).</summary>
public static class ApiReason
{
    public const string Unknown = "";
    public const string Unauthorized = "Unauthorized";
    public const string Forbidden = "Forbidden";
    public const string NotFound = "NotFound";
    public const string AlreadyExists = "AlreadyExists";
    public const string Conflict = "Conflict";
    public const string Gone = "Gone";
    public const string Expired = "Expired";
    public const string Invalid = "Invalid";
    public const string BadRequest = "BadRequest";
    public const string MethodNotAllowed = "MethodNotAllowed";
    public const string NotAcceptable = "NotAcceptable";
    public const string UnsupportedMediaType = "UnsupportedMediaType";
    public const string RequestEntityTooLarge = "RequestEntityTooLarge";
    public const string TooManyRequests = "TooManyRequests";
    public const string ServerTimeout = "ServerTimeout";
    public const string Timeout = "Timeout";
    public const string InternalError = "InternalError";
    public const string ServiceUnavailable = "ServiceUnavailable";
}

/// <summary>A failure that the API answered. <see cref="Responsibility"/> says who must act.</summary>
public sealed class ApiException(ApiStatus status) : Exception(status.Message)
{
    public ApiStatus Status { get; } = status;

    public Responsibility Responsibility => Status switch
    {
        { Code: 409, Reason: ApiReason.Conflict } => Responsibility.Replan,
        { Code: 409 } => Responsibility.Replan,
        { Code: 404 } or { Code: 410 } => Responsibility.Replan,
        { Code: 429 } or { Code: >= 500 } => Responsibility.Wait,
        { Code: 401 } or { Code: 403 } => Responsibility.Administrator,
        _ => Responsibility.User,
    };

    public bool IsNotFound => Status.Code == 404;
    public bool IsConflict => Status is { Code: 409, Reason: ApiReason.Conflict };
    public bool IsAlreadyExists => Status is { Code: 409, Reason: ApiReason.AlreadyExists };
    public bool IsGone => Status.Code == 410;
}

/// <summary>Who must act on a failure, and so what the caller does with it.</summary>
public enum Responsibility
{
    /// <summary>The view was out of date: look again and decide anew.</summary>
    Replan,

    /// <summary>The server is busy or away: the same request may succeed later, after <see cref="ApiStatus.RetryAfter"/>.</summary>
    Wait,

    /// <summary>Rights or credentials are missing.</summary>
    Administrator,

    /// <summary>The request itself is wrong: no retry until the object's author changes it.</summary>
    User,
}
