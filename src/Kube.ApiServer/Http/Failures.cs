using System.Collections.Immutable;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The failures that the API answers, in the words of <c>k8s.io/apimachinery/pkg/api/errors</c>, which clients match on.</summary>
internal static class Failures
{
    public static ApiException NotFound(ResourceKind kind, string name) => On(kind, name, 404, ApiReason.NotFound, $"{Qualified(kind)} \"{name}\" not found");

    /// <summary>A resource or subresource that its group does not serve.</summary>
    public static ApiException NotServed() => new(new ApiStatus(404, ApiReason.NotFound, "the server could not find the requested resource"));

    public static ApiException AlreadyExists(ResourceKind kind, string name) => On(kind, name, 409, ApiReason.AlreadyExists, $"{Qualified(kind)} \"{name}\" already exists");

    /// <summary>Every generated name was taken: the client may simply ask again.</summary>
    public static ApiException NameNotGenerated(ResourceKind kind, string name)
    {
        var taken = On(kind, name, 409, ApiReason.AlreadyExists, $"{Qualified(kind)} \"{name}\" already exists, the server was not able to generate a unique name for the object");
        return new(taken.Status with { RetryAfter = TimeSpan.FromSeconds(1) });
    }

    public static ApiException Conflict(ResourceKind kind, string name, string why) =>
        On(kind, name, 409, ApiReason.Conflict, $"Operation cannot be fulfilled on {Qualified(kind)} \"{name}\": {why}");

    public static ApiException Modified(ResourceKind kind, string name) =>
        Conflict(kind, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static ApiException Forbidden(ResourceKind kind, string name, string why) =>
        On(kind, name, 403, ApiReason.Forbidden, $"{Qualified(kind)} \"{name}\" is forbidden: {why}");

    public static ApiException Invalid(ResourceKind kind, string name, ImmutableArray<FieldError> errors) =>
        new(new ApiStatus(422, ApiReason.Invalid, $"{(kind.Group.Length == 0 ? kind.Kind : $"{kind.Kind}.{kind.Group}")} \"{name}\" is invalid: {FieldError.Aggregate(errors)}")
        {
            Group = kind.Group,
            Resource = kind.Kind,
            Name = name,
            Causes = [.. errors.Select(static e => new ApiStatusCause(CauseOf(e.Kind), e.Body, e.Path))],
        });

    /// <summary>Faults of the request's parameters.</summary>
    /// <param name="options">What Kubernetes calls them, such as <c>PatchOptions</c>.</param>
    public static ApiException InvalidOptions(string options, ImmutableArray<FieldError> errors) => Invalid(new ResourceKind("meta.k8s.io", "v1", options, options), "", errors);

    public static ApiException BadRequest(string message) => new(new ApiStatus(400, ApiReason.BadRequest, message));

    public static ApiException MethodNotAllowed(ResourceKind kind, string verb) =>
        new(new ApiStatus(405, ApiReason.MethodNotAllowed, $"{verb} is not supported on resources of kind \"{Qualified(kind)}\"") { Group = kind.Group, Resource = kind.Plural });

    public static ApiException UnsupportedMediaType(params ReadOnlySpan<string> accepted) => new(new ApiStatus(
        415, ApiReason.UnsupportedMediaType, $"the body of the request was in an unknown format - accepted media types include: {string.Join(", ", accepted!)}"));

    public static ApiException NotAcceptable(string message) => new(new ApiStatus(406, ApiReason.NotAcceptable, message));

    /// <summary>The client looks at a past that is no longer kept: it must list anew.</summary>
    public static ApiException Expired(string message) => new(new ApiStatus(410, ApiReason.Expired, message));

    public static ApiException TooLargeRevision(long asked, long current) => new(new ApiStatus(504, ApiReason.Timeout, $"Too large resource version: {asked}, current: {current}")
    {
        RetryAfter = TimeSpan.FromSeconds(1),
        Causes = [new ApiStatusCause("ResourceVersionTooLarge", "Too large resource version", "")],
    });

    public static string Qualified(ResourceKind kind) => kind.Group.Length == 0 ? kind.Plural : $"{kind.Plural}.{kind.Group}";

    private static ApiException On(ResourceKind kind, string name, int code, string reason, string message) =>
        new(new ApiStatus(code, reason, message) { Group = kind.Group, Resource = kind.Plural, Name = name });

    private static string CauseOf(FieldErrorKind kind) => kind switch
    {
        FieldErrorKind.Required => "FieldValueRequired",
        FieldErrorKind.NotSupported => "FieldValueNotSupported",
        FieldErrorKind.Duplicate => "FieldValueDuplicate",
        FieldErrorKind.Forbidden => "FieldValueForbidden",
        FieldErrorKind.TypeInvalid => "FieldValueTypeInvalid",
        FieldErrorKind.NotFound => "FieldValueNotFound",
        FieldErrorKind.TooLong => "FieldValueTooLong",
        FieldErrorKind.TooMany => "FieldValueTooMany",
        _ => "FieldValueInvalid",
    };
}
