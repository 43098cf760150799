using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>PUT and PATCH of an object or its status: read, change, check, commit; again when another writer was faster.</summary>
internal static class Updating
{
    /// <param name="change">Makes the wanted object of the current one (a private copy). Called again after a lost race.</param>
    /// <param name="create">Makes the object when there is none, where that is allowed; else null.</param>
    /// <returns>The object, and whether it was created.</returns>
    public static (StoredObject Object, bool Created) Update(WriteContext context, Wish change, Func<Wanted>? create, CancellationToken cancellation)
    {
        var (call, strategy, store) = (context.Call, context.Strategy, context.Server.Store);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (store.Find(call.Resource.Objects, call.Key) is not { } current)
            {
                var made = create is null ? throw Failures.NotFound(context.Kind, call.Name!) : create();
                return (Creation.Create(made.Object, context, made.Owners), true);
            }

            var old = Drafting.Open(current, strategy);
            var owners = ManagedFields.FromStored(current.Bytes.Owners.Span);
            var wanted = change((JsonObject)old.DeepClone(), owners);
            CheckPreconditions(wanted.Object, old, current, context);
            var (result, after) = Compose(wanted, old, owners, context);
            var gone = Deletion.IsFinished(result, strategy);
            // A write that changes nothing is no write: no new revision, no event (as in kube-apiserver's storage).
            if (!gone && JsonNode.DeepEquals(result, old) && after.HasSameFields(owners)) return (current, false);
            CountGeneration(result, old, context);
            Validate(result, old, context);

            Admission.CheckUpdate(result, old, context);

            strategy.Allocate(result, context);
            var written = after.ToUtf8();
            if (context.DryRun)
            {
                context.Server.Quotas.Check(context, old, result);
                return (Drafting.Pretend(call.Key, result, written, current, strategy), false);
            }

            // The last finalizer's removal deletes: watchers see one DELETED and no MODIFIED before it.
            if (Committing.TryCommit(context, call.Key, current, old, gone ? null : result, written) is { } committed) return (committed, false);
        }
    }

    private static void CheckPreconditions(JsonObject wanted, JsonObject old, StoredObject current, WriteContext context)
    {
        var (kind, call) = (context.Kind, context.Call);
        if (wanted.Text("metadata", "name") is { Length: > 0 } name && name != call.Name)
        {
            throw Failures.BadRequest($"the name of the object ({name}) does not match the name on the URL ({call.Name})");
        }

        if (kind.Namespaced && wanted.Text("metadata", "namespace") is { Length: > 0 } ns && ns != call.Namespace)
        {
            throw Failures.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        }

        if (wanted.Text("metadata", "uid") is { Length: > 0 } uid && uid != current.Header.Uid)
        {
            // A PUT's uid says which incarnation it means, a PATCH's is a change like any other, of what cannot change.
            if (call.Request.Method == "PATCH") throw Failures.Invalid(kind, call.Name!, [FieldError.Invalid("metadata.uid", $"\"{uid}\"", "field is immutable")]);
            throw Failures.Conflict(kind, call.Name!, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {current.Header.Uid}");
        }

        var revision = wanted.Text("metadata", "resourceVersion") ?? "";
        if (revision.Length > 0 && revision != "0" && revision != old.Text("metadata", "resourceVersion")) throw Failures.Modified(kind, call.Name!);
        if (revision.Length == 0 && call.Request.Method == "PUT" && !context.Strategy.AllowsUnconditionalUpdate)
        {
            throw Failures.Invalid(kind, call.Name!, [FieldError.Invalid("metadata.resourceVersion", "0", "must be specified for an update")]);
        }
    }

    /// <summary>Takes from the wanted object what this request may change, and from the old one the rest; and says who owns what then.</summary>
    private static (JsonObject Object, ManagedFields Owners) Compose(Wanted asked, JsonObject old, ManagedFields owners, WriteContext context)
    {
        var strategy = context.Strategy;
        var statusOnly = context.Call.Subresource == "status";
        var (wanted, after) = asked;
        var given = FieldManagers.TakeGiven(wanted);
        var result = wanted;
        if (statusOnly)
        {
            result = (JsonObject)old.DeepClone();
            if (wanted["status"] is { } status) result["status"] = status.DeepClone();
            else result.Remove("status");
            if (strategy.StatusWritesMetadata && wanted["metadata"] is JsonObject meta) result["metadata"] = meta.DeepClone();
        }
        else if (strategy.HasStatus)
        {
            if (old["status"] is { } status) result["status"] = status.DeepClone();
            else result.Remove("status");
        }

        result["apiVersion"] = context.Kind.ApiVersion;
        result["kind"] = context.Kind.Kind;
        ObjectMetadata.Preserve(result, old, context);
        result["metadata"]!["resourceVersion"] = old.Text("metadata", "resourceVersion");
        strategy.Default(result);
        // Before the server has its own say: what that changes is nobody's.
        after ??= new FieldOwnership(context, context.Manager).AfterUpdate(old, result, context.Call.Subresource is null ? given ?? owners : owners);
        if (context.Call.Subresource is null) Admission.AdmitUpdate(result, old, context);
        if (statusOnly) strategy.PrepareForStatusUpdate(result, old, context);
        else strategy.PrepareForUpdate(result, old, context);
        strategy.Default(result);
        return (result, after);
    }

    private static void Validate(JsonObject result, JsonObject old, WriteContext context)
    {
        var errors = new List<FieldError>();
        ObjectMetadata.Validate(result, context, errors);
        ObjectMetadata.ValidateUpdate(result, old, errors);
        if (context.Call.Subresource == "status") context.Strategy.ValidateStatusUpdate(result, old, errors);
        else context.Strategy.ValidateReplacement(result, old, errors);
        if (errors.Count > 0) throw Failures.Invalid(context.Kind, context.Call.Name!, [.. errors]);
    }

    private static void CountGeneration(JsonObject result, JsonObject old, WriteContext context)
    {
        // A write of the status never counts, though it may store defaults that have come since.
        if (context.Call.Subresource == "status" || !context.Strategy.HasGeneration || !context.Strategy.ChangesGeneration(result, old)) return;
        result["metadata"]!["generation"] = (old.Integer("metadata", "generation") ?? 0) + 1;
    }
}

/// <summary>What a request makes of the current object, a private copy, and of who owns what in it.</summary>
internal delegate Wanted Wish(JsonObject current, ManagedFields owners);

/// <summary>An object as a request wants it.</summary>
/// <param name="Owners">Who owns what of it; null: as after every update.</param>
internal readonly record struct Wanted(JsonObject Object, ManagedFields? Owners = null);
