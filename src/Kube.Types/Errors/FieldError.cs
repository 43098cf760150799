using System.Collections.Immutable;

namespace Kube.Types;

/// <summary>
/// One fault of a manifest, in the words of Kubernetes' field errors (<c>k8s.io/apimachinery/pkg/util/validation/field</c>):
/// where it stands, what is wrong, and what would be right.
/// </summary>
/// <param name="Path">Such as <c>spec.mpiReplicaSpecs[Worker].replicas</c>.</param>
/// <param name="Kind">The class of fault; it decides the wording and the <c>reason</c> in an API status.</param>
/// <param name="Value">The offending value as it is printed, or null where the class prints none.</param>
/// <param name="Detail">The rule that was broken.</param>
/// <param name="Fix">What to write instead, for people; not part of the Kubernetes wording.</param>
public sealed record FieldError(string Path, FieldErrorKind Kind, string? Value, string Detail, string? Fix = null)
{
    public static FieldError Required(string path, string detail, string? fix = null) => new(path, FieldErrorKind.Required, null, detail, fix);

    public static FieldError Invalid(string path, string value, string detail, string? fix = null) => new(path, FieldErrorKind.Invalid, value, detail, fix);

    public static FieldError NotSupported(string path, string value, IEnumerable<string> supported, string? fix = null) => new(
        path, FieldErrorKind.NotSupported, $"\"{value}\"", $"supported values: {string.Join(", ", supported.Order(StringComparer.Ordinal).Select(static v => $"\"{v}\""))}", fix);

    public static FieldError UnknownField(string path, string? fix = null) => new(path, FieldErrorKind.UnknownField, null, "unknown field", fix);

    public static FieldError TypeInvalid(string path, string value, string detail, string? fix = null) => new(path, FieldErrorKind.TypeInvalid, value, detail, fix);

    /// <summary>The fault without its path, as it stands in the causes of an API status.</summary>
    public string Body
    {
        get
        {
            var name = Kind switch
            {
                FieldErrorKind.Required => "Required value",
                FieldErrorKind.NotSupported => $"Unsupported value: {Value}",
                FieldErrorKind.UnknownField => "unknown field",
                FieldErrorKind.Forbidden => "Forbidden",
                FieldErrorKind.Duplicate => $"Duplicate value: {Value}",
                FieldErrorKind.NotFound => $"Not found: {Value}",
                FieldErrorKind.TooLong => "Too long",
                FieldErrorKind.TooMany => $"Too many: {Value}",
                _ => $"Invalid value: {Value}",
            };
            return Detail.Length == 0 || Kind is FieldErrorKind.UnknownField or FieldErrorKind.Duplicate or FieldErrorKind.NotFound ? name : $"{name}: {Detail}";
        }
    }

    public static FieldError Forbidden(string path, string detail) => new(path, FieldErrorKind.Forbidden, null, detail);

    public static FieldError Duplicate(string path, string value) => new(path, FieldErrorKind.Duplicate, $"\"{value}\"", "");

    public static FieldError NotFound(string path, string value) => new(path, FieldErrorKind.NotFound, $"\"{value}\"", "");

    public override string ToString() => $"{Path}: {Body}";

    /// <summary>Several faults as Kubernetes prints them: one alone bare, more bracketed and joined by commas.</summary>
    public static string Aggregate(ImmutableArray<FieldError> errors) =>
        errors.Length == 1 ? errors[0].ToString() : $"[{string.Join(", ", errors)}]";
}

public enum FieldErrorKind { Required, Invalid, NotSupported, Duplicate, Forbidden, TypeInvalid, UnknownField, TooLong, TooMany, NotFound }
