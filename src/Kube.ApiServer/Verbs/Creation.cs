using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>POST to a collection.</summary>
internal static class Creation
{
    /// <summary>Tries for a generated name that is taken; kube-apiserver's number.</summary>
    private const int GeneratedNameTries = 8;

    public static StoredObject Create(JsonObject obj, WriteContext context)
    {
        var (call, strategy) = (context.Call, context.Strategy);
        CheckPlace(obj, call);
        if (call.Resource.Kind.Namespaced) NamespaceRules.RequireOpen(context);
        var generated = string.IsNullOrEmpty(obj.Text("metadata", "name"));
        if (!string.IsNullOrEmpty(obj.Text("metadata", "resourceVersion"))) throw Failures.BadRequest("resourceVersion should not be set on objects to be created");

        for (var attempt = 1; ; attempt++)
        {
            var made = generated ? (JsonObject)obj.DeepClone() : obj;
            ObjectMetadata.PrepareNew(made, context);
            strategy.PrepareForCreate(made, context);
            strategy.Default(made);
            Validate(made, context);

            var key = call.Key with { Name = made.Text("metadata", "name")! };
            if (context.Server.Store.Find(call.Resource.Objects, key) is null && Store(key, made, context) is { } stored)
            {
                if (!context.DryRun) strategy.Committed(made, null, context);
                return stored;
            }

            if (!generated || attempt == GeneratedNameTries) throw Failures.AlreadyExists(context.Kind, key.Name);
        }
    }

    private static StoredObject? Store(ObjectKey key, JsonObject made, WriteContext context)
    {
        var strategy = context.Strategy;
        strategy.Allocate(made, context);
        if (context.DryRun) return Drafting.Pretend(key, made, null, strategy);
        var stored = context.Server.Store.TryCommit(context.Call.Resource.Objects, key, null, Drafting.From(made, strategy));
        if (stored is null) strategy.Release(made);
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
