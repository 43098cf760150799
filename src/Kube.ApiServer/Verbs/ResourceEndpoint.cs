using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>From a method and a resource URL to the verb that answers.</summary>
internal sealed class ResourceEndpoint(ServerState server)
{
    public async ValueTask<ApiResponse> HandleAsync(ResourceCall call, CancellationToken cancellation)
    {
        if (call.Subresource is not (null or "status"))
        {
            return await Subresources.HandleAsync(server, call, cancellation);
        }

        if (call.Subresource == "status" && !call.Resource.Strategy.HasStatus) throw Subresources.NotServed(call);
        return (call.Request.Method, call.Name) switch
        {
            ("GET", null) when call.Query.Flag("watch") => Watching.Watch(server, call, Negotiate(call)),
            ("GET", null) => Reading.List(server, call, Negotiate(call)),
            ("GET", _) when call.Query.Flag("watch") && call.Subresource is null => Watching.Watch(server, call, Negotiate(call)),
            ("GET", _) => Show(Reading.Get(server, call), call),
            ("POST", null) => Create(call),
            ("PUT", not null) => Replace(call, cancellation),
            ("PATCH", not null) => Patch(call, cancellation),
            ("DELETE", not null) when call.Subresource is null => Delete(call, cancellation),
            ("DELETE", null) => DeleteCollection(call, cancellation),
            var (method, _) => throw Failures.MethodNotAllowed(call.Resource.Kind, method.ToLowerInvariant()),
        };
    }

    private Representation Negotiate(ResourceCall call) => Negotiation.For(call, server.Time);

    private ApiResponse.Content Show(StoredObject obj, ResourceCall call, int code = 200, WriteContext? context = null) =>
        ApiResponse.Of(Negotiate(call).Single(obj), code) with { Warnings = [.. context?.Warnings ?? []] };

    private ApiResponse.Content Create(ResourceCall call)
    {
        if (call.Resource.Kind.Namespaced && call.Namespace is null) throw Failures.MethodNotAllowed(call.Resource.Kind, "create");
        var context = new WriteContext(server, call);
        return Show(Creation.Create(Bodies.Object(context), context), call, 201, context);
    }

    private ApiResponse.Content Replace(ResourceCall call, CancellationToken cancellation)
    {
        var context = new WriteContext(server, call);
        var body = Bodies.Object(context);
        Func<Wanted>? create = call.Resource.Strategy.AllowsCreateOnUpdate && call.Subresource is null ? () => new Wanted(body) : null;
        var (obj, created) = Updating.Update(context, (_, _) => new Wanted((JsonObject)body.DeepClone()), create, cancellation);
        return Show(obj, call, created ? 201 : 200, context);
    }

    private ApiResponse.Content Patch(ResourceCall call, CancellationToken cancellation)
    {
        var context = new WriteContext(server, call);
        var (obj, created) = Patching.Patch(context, cancellation);
        return Show(obj, call, created ? 201 : 200, context);
    }

    private ApiResponse.Content Delete(ResourceCall call, CancellationToken cancellation)
    {
        var context = new WriteContext(server, call);
        var (obj, gone) = Deletion.Delete(context, DeletionOptions.Read(call), cancellation);
        if (!gone || call.Resource.Strategy.ReturnsDeletedObject) return Show(obj, call);
        var (kind, details) = (call.Resource.Kind, new JsonObject { ["name"] = call.Name });
        if (kind.Group.Length > 0) details["group"] = kind.Group;
        details["kind"] = kind.Plural;
        details["uid"] = obj.Header.Uid;
        return ApiResponse.Of(new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["details"] = details });
    }

    private ApiResponse DeleteCollection(ResourceCall call, CancellationToken cancellation)
    {
        if (call.Resource.Kind.Namespaced && call.Namespace is null) throw Failures.MethodNotAllowed(call.Resource.Kind, "deletecollection");
        var selection = Selection.Read(call);
        var options = DeletionOptions.Read(call);
        var deleted = new List<StoredObject>();
        foreach (var obj in server.Store.Read(call.Resource.Objects).Range(selection.Namespace, null).Where(selection.Matches).ToList())
        {
            var one = call with { Name = obj.Key.Name, Namespace = call.Resource.Kind.Namespaced ? obj.Key.Namespace : null };
            try
            {
                deleted.Add(Deletion.Delete(new WriteContext(server, one), options, cancellation).Object);
            }
            catch (ApiException gone) when (gone.IsNotFound)
            {
                // Another client was faster: what was asked for is so.
            }
        }

        return new ApiResponse.Content(Negotiate(call).List(new ListMeta(server.Store.Revision), deleted));
    }
}
