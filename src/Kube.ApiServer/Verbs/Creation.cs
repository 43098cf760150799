using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>POST to a collection.</summary>
internal static class Creation
{
    /// <summary>Tries for a generated name that is taken; kube-apiserver's number.</summary>
    private const int GeneratedNameTries = 8;

    /// <param name="owners">Who owns what of the new object; null: the request's author, everything.</param>
    public static StoredObject Create(JsonObject obj, WriteContext context, ManagedFields? owners = null)
    {
        var (call, strategy) = (context.Call, context.Strategy);
        CheckPlace(obj, call);
        var generated = string.IsNullOrEmpty(obj.Text("metadata", "name"));

        var given = FieldManagers.TakeGiven(obj);
        for (var attempt = 1; ; attempt++)
        {
            var made = generated ? (JsonObject)obj.DeepClone() : obj;
            ObjectMetadata.PrepareNew(made, context);
            // Twice, as in kube-apiserver: by the decoder, so that admission sees defaults, and for what was added since.
            strategy.Default(made);
            // Of what the author said and the kind's defaults: what the server adds after that is nobody's.
            owners ??= new FieldOwnership(context, context.Manager).AfterUpdate(strategy.Empty, made, given ?? ManagedFields.None);
            Admission.Admit(made, context);
            strategy.PrepareForCreate(made, context);
            strategy.Default(made);
            Validate(made, context);
            Admission.Check(made, context);

            var key = call.Key with { Name = made.Text("metadata", "name")! };
            if (context.Server.Store.Find(call.Resource.Objects, key) is null && Store(key, made, owners.ToUtf8(), context) is { } stored) return stored;

            if (!generated) throw Failures.AlreadyExists(context.Kind, key.Name);
            if (attempt == GeneratedNameTries) throw Failures.NameNotGenerated(context.Kind, key.Name);
        }
    }

    private static StoredObject? Store(ObjectKey key, JsonObject made, ReadOnlyMemory<byte> owners, WriteContext context)
    {
        var strategy = context.Strategy;
        if (context.DryRun)
        {
            context.Server.Quotas.Check(context, null, made);
            strategy.Allocate(made, context);
            return Drafting.Pretend(key, made, owners, null, strategy);
        }

        strategy.Allocate(made, context);
        StoredObject? stored = null;
        try
        {
            stored = Committing.TryCommit(context, key, null, null, made, owners);
        }
        finally
        {
            if (stored is null) strategy.Release(made);
        }

        return stored;
    }

    private static void CheckPlace(JsonObject obj, ResourceCall call)
    {
        var meta = obj.Object("metadata");
        if (call.Resource.Kind.Namespaced && meta.Text("namespace") is { Length: > 0 } ns && ns != call.Namespace)
        {
            throw Failures.BadRequest($"the namespace of the provided object does not match the namespace sent on the request");
        }

        if (call.Name is { } name && meta.Text("name") is { Length: > 0 } own && own != name)
        {
            throw Failures.BadRequest($"the name of the object ({own}) does not match the name on the URL ({name})");
        }
    }

    private static void Validate(JsonObject obj, WriteContext context)
    {
        var errors = new List<FieldError>();
        ObjectMetadata.Validate(obj, context, errors);
        context.Strategy.Validate(obj, errors);
        if (errors.Count > 0) throw Failures.Invalid(context.Kind, obj.Text("metadata", "name") ?? "", [.. errors]);
    }
}
