using System.Buffers.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>GET of an object, and of a collection in pages or as it was at a revision.</summary>
internal static class Reading
{
    public static StoredObject Get(ServerState server, ResourceCall call)
    {
        Revisions.RequireReached(server, call);
        return server.Store.Find(call.Resource.Objects, call.Key) ?? throw Failures.NotFound(call.Resource.Kind, call.Name!);
    }

    public static ApiResponse List(ServerState server, ResourceCall call, Representation representation)
    {
        ListParameters.Validate(call.Query);
        var selection = Selection.Read(call);
        var limit = call.Query.Integer("limit") ?? 0;
        var (snapshot, start) = Position(server, call);

        var page = new List<StoredObject>();
        StoredObject? next = null;
        foreach (var obj in snapshot.Range(selection.Namespace, start))
        {
            if (!selection.Matches(obj)) continue;
            if (limit > 0 && page.Count == limit)
            {
                next = obj;
                break;
            }

            page.Add(obj);
        }

        var meta = new ListMeta(snapshot.Revision);
        if (next is not null)
        {
            // How many are left is not counted where a selector would have to be asked about each.
            long? remaining = selection.IsFiltered ? null : snapshot.Range(selection.Namespace, next.Key).LongCount();
            meta = meta with { Continue = new ContinueToken(snapshot.Revision, next.Key).ToString(), Remaining = remaining };
        }

        return new ApiResponse.Content(representation.List(meta, page));
    }

    /// <summary>Which state is read, and from where on.</summary>
    private static (Snapshot Snapshot, ObjectKey? Start) Position(ServerState server, ResourceCall call)
    {
        var (store, objects) = (server.Store, call.Resource.Objects);
        if (call.Query.Text("continue") is { Length: > 0 } text)
        {
            if (call.Query.Text("resourceVersion") is not ("" or "0")) throw Failures.BadRequest("specifying resource version is not allowed when using continue");
            var token = ContinueToken.Parse(text);
            if (token.Revision < 0) return (store.Read(objects), token.Start);
            return (store.ReadAt(objects, token.Revision) ?? throw ContinueToken.TooOld(token), token.Start);
        }

        var revision = Revisions.RequireReached(server, call);
        var match = call.Query.Text("resourceVersionMatch");
        var exact = match == "Exact" || (match.Length == 0 && revision > 0 && call.Query.Integer("limit") > 0);
        if (!exact) return (store.Read(objects), null);
        return (store.ReadAt(objects, revision) ?? throw Failures.Expired($"The provided resource version {revision} is too old"), null);
    }
}

/// <summary>The parameters <c>resourceVersion</c> and <c>resourceVersionMatch</c>.</summary>
internal static class Revisions
{
    /// <summary>The revision asked for (0 for none or any); a state that the server has not reached yet is refused, as it never comes by waiting.</summary>
    public static long RequireReached(ServerState server, ResourceCall call)
    {
        var revision = Read(call);
        var current = server.Store.Revision;
        return revision <= current ? revision : throw Failures.TooLargeRevision(revision, current);
    }

    public static long Read(ResourceCall call)
    {
        var text = call.Query.Text("resourceVersion");
        if (text.Length == 0) return 0;
        return long.TryParse(text, out var revision) && revision >= 0
            ? revision
            : throw new ApiException(new ApiStatus(400, ApiReason.BadRequest, $"resourceVersion: Invalid value: \"{text}\": it must be a number that this server gave out"));
    }
}

/// <summary>Where a list in pages goes on: the first object not sent yet, and the revision that all pages show.</summary>
/// <param name="Revision">-1: whatever is newest.</param>
internal sealed record ContinueToken(long Revision, ObjectKey Start)
{
    public override string ToString() => Base64Url.EncodeToString(
        new JsonObject { ["v"] = "meta.k8s.io/v1", ["rv"] = Revision, ["start"] = $"{Start.Namespace}/{Start.Name}" }.ToUtf8());

    public static ContinueToken Parse(string text)
    {
        try
        {
            var tree = JsonTree.Read(Base64Url.DecodeFromChars(text));
            if (tree.Text("v") == "meta.k8s.io/v1" && tree.Integer("rv") is { } revision && tree.Text("start")?.Split('/') is [var ns, var name])
            {
                return new ContinueToken(revision, new ObjectKey(ns, name));
            }
        }
        catch (Exception broken) when (broken is FormatException or System.Text.Json.JsonException)
        {
            throw Failures.BadRequest($"invalid continue token: continue key is not valid: {broken.Message}");
        }

        throw Failures.BadRequest("invalid continue token: continue key is not valid: it was not made by this server");
    }

    /// <summary>The state that the pages show is forgotten. A client may go on, at the cost of a list that never was.</summary>
    public static ApiException TooOld(ContinueToken token) => throw new ListExpiredException((token with { Revision = -1 }).ToString());
}

/// <summary>410 for a continued list, with the token that goes on inconsistently in <c>metadata.continue</c>.</summary>
internal sealed class ListExpiredException(string inconsistent) : Exception
{
    private const string Text =
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, "
        + "or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an "
        + "inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

    public ApiResponse ToResponse()
    {
        var tree = new ApiStatus(410, ApiReason.Expired, Text).ToTree();
        tree["metadata"] = new JsonObject { ["continue"] = inconsistent };
        return ApiResponse.Of(tree, 410);
    }
}
