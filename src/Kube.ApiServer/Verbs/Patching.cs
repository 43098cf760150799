using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>PATCH: by its content type a change of the current object, which then goes the way of every update.</summary>
internal static class Patching
{
    public static (StoredObject Object, bool Created) Patch(WriteContext context, CancellationToken cancellation)
    {
        var type = context.Call.Request.ContentType.Split(';')[0].Trim();
        if (type is not (MediaType.ApplyPatch or MediaType.JsonPatch or MediaType.MergePatch or MediaType.StrategicPatch))
        {
            throw new ApiException(new ApiStatus(415, ApiReason.UnsupportedMediaType, "415: Unsupported Media Type"));
        }

        if (type == MediaType.ApplyPatch) return ApplyPatch.Apply(context, null, cancellation);

        var apply = Reader(type, context);
        // Owners are put into the tree for the rare patch that is about them (kubectl's way from client-side to server-side apply).
        var namesOwners = context.Call.Request.Body.Span.IndexOf("managedFields"u8) >= 0;
        return Updating.Update(
            context,
            (current, owners) =>
            {
                if (namesOwners && !owners.IsEmpty) current.Object("metadata")["managedFields"] = JsonTree.Read(owners.ToUtf8(), null);
                return new Wanted(Apply(current, apply, context));
            },
            null,
            cancellation);
    }

    /// <summary>Reads the patch once; it may be applied several times.</summary>
    private static Func<JsonObject, JsonNode?> Reader(string type, WriteContext context)
    {
        var body = Bodies.Parse(context.Call.Request);
        switch (type)
        {
            case MediaType.JsonPatch:
                var operations = body as JsonArray ?? throw Undecodable(body, "[]handlers.jsonPatchOp");
                return current => JsonPatch.Apply(current, operations);
            case MediaType.MergePatch:
                var merge = body as JsonObject ?? throw Undecodable(body, "map[string]interface {}");
                return current => MergePatch.Apply(current, merge);
            case MediaType.StrategicPatch when context.Strategy.TakesStrategicPatch:
                var strategic = body as JsonObject ?? throw Undecodable(body, "map[string]interface {}");
                return current => StrategicMergePatch.Apply(current, strategic, context.Kind);
            default:
                throw Failures.UnsupportedMediaType([MediaType.JsonPatch, MediaType.MergePatch, .. context.Strategy.TakesStrategicPatch ? [MediaType.StrategicPatch] : Array.Empty<string>(), MediaType.ApplyPatch]);
        }
    }

    /// <summary>In the words of the real server's decoder, which names its own types.</summary>
    private static ApiException Undecodable(JsonNode? body, string wanted)
    {
        var given = body?.GetValueKind() switch
        {
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            JsonValueKind.Number => "number",
            JsonValueKind.True or JsonValueKind.False => "bool",
            _ => "string",
        };
        return Failures.BadRequest($"error decoding patch: json: cannot unmarshal {given} into Go value of type {wanted}");
    }

    /// <summary>What does not fit the kind is a fault of the patch, which the answer names as if it were a field.</summary>
    private static void CheckMembers(JsonObject result, WriteContext context)
    {
        if (context.Strategy.Shape is not { } shape || ShapeChecking.FindMistyped(result, shape) is not { } fault) return;
        var error = FieldError.Invalid("patch", JsonValue.Create(result.ToJsonString()).ToJsonString(), fault);
        throw new ApiException(new ApiStatus(422, ApiReason.Invalid, $" \"\" is invalid: {error}") { Causes = [new ApiStatusCause("FieldValueInvalid", error.Body, error.Path)] });
    }

    private static JsonObject Apply(JsonObject current, Func<JsonObject, JsonNode?> apply, WriteContext context)
    {
        JsonNode? patched;
        try
        {
            patched = apply(current);
        }
        catch (PatchException fault) when (fault.Malformed)
        {
            throw Failures.BadRequest(fault.Message);
        }
        catch (PatchException)
        {
            // A real server says no more than this, and clients print it as it is.
            throw new ApiException(new ApiStatus(422, ApiReason.Invalid, "the server rejected our request due to an error in our request"));
        }

        var result = patched as JsonObject ?? throw Failures.BadRequest($"the patch leaves no {context.Kind.Kind}: the result is no object");
        CheckMembers(result, context);
        Bodies.Tidy(result, [], context);
        return result;
    }
}
