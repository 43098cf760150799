using System.Text.Json;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The rules of the parameters of writes (<c>ValidateCreateOptions</c> and its like of <c>k8s.io/apimachinery</c>); those of a DELETE are <see cref="DeletionOptions"/>.</summary>
internal static class WriteParameters
{
    private static readonly string[] Validations = ["", "Ignore", "Strict", "Warn"];

    /// <exception cref="ApiException">422: a value is not supported, or belongs to another kind of write.</exception>
    public static void Validate(ResourceCall call)
    {
        var options = call.Request.Method switch { "POST" => "CreateOptions", "PUT" => "UpdateOptions", "PATCH" => "PatchOptions", _ => null };
        if (options is null) return;
        var errors = new List<FieldError>();
        var manager = call.Query.Text("fieldManager");
        if (options == "PatchOptions")
        {
            var applies = call.Request.ContentType.Split(';')[0].Trim() == MediaType.ApplyPatch;
            if (applies && manager.Length == 0) errors.Add(FieldError.Required("fieldManager", "is required for apply patch"));
            if (!applies && call.Query.Text("force").Length > 0) errors.Add(FieldError.Forbidden("force", "may not be specified for non-apply patch"));
        }

        if (FieldManagers.Check(manager) is { } unfit) errors.Add(unfit);
        if (CheckDryRun([.. call.Query.All("dryRun")]) is { } fault) errors.Add(fault);
        var validation = call.Query.Text("fieldValidation");
        if (!Validations.Contains(validation)) errors.Add(FieldError.NotSupported("fieldValidation", validation, Validations));
        if (errors.Count > 0) throw Failures.InvalidOptions(options, [.. errors]);
    }

    /// <param name="given">Every value of the parameter <c>dryRun</c>; one that is wrong is a fault of all.</param>
    public static FieldError? CheckDryRun(List<string> given)
    {
        if (given.TrueForAll(static v => v == "All")) return null;
        var shown = string.Join(',', given.Select(static v => $"\"{JsonEncodedText.Encode(v)}\""));
        return new FieldError("dryRun", FieldErrorKind.NotSupported, $"[{shown}]", "supported values: \"All\"");
    }
}
