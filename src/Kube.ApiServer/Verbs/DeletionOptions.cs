using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What a DELETE asks for (<c>metav1.DeleteOptions</c>), from its body or its query.</summary>
internal sealed record DeletionOptions
{
    public long? GraceSeconds { get; init; }
    public string? Uid { get; init; }
    public string? ResourceVersion { get; init; }
    public string? Propagation { get; init; }
    public bool DryRun { get; init; }

    /// <exception cref="ApiException">422: a value is not supported, or two contradict each other.</exception>
    public static DeletionOptions Read(ResourceCall call)
    {
        JsonObject? body = null;
        if (!call.Request.Body.IsEmpty) body = Bodies.Parse(call.Request) as JsonObject;
        var propagation = body.Text("propagationPolicy") ?? (call.Query.Text("propagationPolicy") is { Length: > 0 } text ? text : null);
        // The older way to ask, which still works.
        var orphans = body.Flag("orphanDependents") ?? (call.Query.Text("orphanDependents") is { Length: > 0 } orphan ? orphan == "true" : null);
        List<string> dryRun = [.. body.Texts("dryRun"), .. call.Query.All("dryRun")];
        Validate(propagation, orphans, dryRun);

        var grace = body.Integer("gracePeriodSeconds") ?? call.Query.Integer("gracePeriodSeconds");
        return new DeletionOptions
        {
            // Negative means "the shortest", which is one second: only a plain zero kills at once.
            GraceSeconds = grace < 0 ? 1 : grace,
            Uid = body.Text("preconditions", "uid"),
            ResourceVersion = body.Text("preconditions", "resourceVersion"),
            Propagation = propagation ?? orphans switch { true => "Orphan", false => "Background", null => null },
            DryRun = dryRun.Count > 0,
        };
    }

    private static void Validate(string? propagation, bool? orphans, List<string> dryRun)
    {
        var errors = new List<FieldError>();
        if (propagation is not (null or "Orphan" or "Background" or "Foreground"))
        {
            errors.Add(new FieldError("propagationPolicy", FieldErrorKind.NotSupported, $"\"{propagation}\"", "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""));
        }

        if (propagation is not null && orphans is not null) errors.Add(FieldError.Invalid("propagationPolicy", $"\"{propagation}\"", "orphanDependents and deletionPropagation cannot be both set"));
        if (WriteParameters.CheckDryRun(dryRun) is { } fault) errors.Add(fault);
        if (errors.Count > 0) throw Failures.InvalidOptions("DeleteOptions", [.. errors]);
    }
}
