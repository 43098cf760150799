using System.Text.Json;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// A Kubernetes API server as a function from request to response and watch stream. It has no threads, no sockets and no
/// clock of its own. State lives in memory and ends with the object. Thread-safe.
/// </summary>
public sealed class KubeApiServer : IDisposable
{
    private readonly ServerState _state;
    private readonly ResourceEndpoint _resources;
    private readonly DiscoveryEndpoint _discovery;
    private readonly OpenApiEndpoint _openApi;
    private readonly Reviews _reviews;

    public KubeApiServer(ApiServerOptions options)
    {
        _state = new ServerState(options);
        _resources = new ResourceEndpoint(_state);
        _discovery = new DiscoveryEndpoint(_state);
        _openApi = new OpenApiEndpoint(_state);
        _reviews = new Reviews(_state);
        BuiltInKinds.Register(_state);
    }

    /// <summary>
    /// Answers one request. Completes at once, but for logs that must be opened.
    /// Failures are answers too; only cancellation is thrown.
    /// </summary>
    public async ValueTask<ApiResponse> HandleAsync(ApiRequest request, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        var response = await AnswerOrRefuseAsync(request, cancellation);
        return YamlAnswers.IsWanted(request.Accept) ? YamlAnswers.Of(response) : response;
    }

    /// <summary>Whom the token of a service account stands for; null when it is none of this server's, or over.</summary>
    public ApiUser? Authenticate(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _state.Tokens.Authenticate(token);
    }

    /// <summary>Tells the cluster where this server is: its Service's endpoints, and the authority in every namespace.</summary>
    public void Publish(ApiAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        KubernetesService.Publish(_state, address);
    }

    /// <summary>Ends all watches, as a stopping host does; clients then open new ones.</summary>
    public void EndWatches() => _state.Store.EndAllWatches();

    public void Dispose() => EndWatches();

    private async ValueTask<ApiResponse> AnswerOrRefuseAsync(ApiRequest request, CancellationToken cancellation)
    {
        try
        {
            cancellation.ThrowIfCancellationRequested();
            return await AnswerAsync(request, cancellation);
        }
        catch (ApiException refused)
        {
            return ApiResponse.Of(refused.Status);
        }
        catch (ListExpiredException expired)
        {
            return expired.ToResponse();
        }
        catch (JsonException broken)
        {
            return ApiResponse.Of(Failures.BadRequest($"the JSON of the request cannot be read: {broken.Message}").Status);
        }
    }

    private ValueTask<ApiResponse> AnswerAsync(ApiRequest request, CancellationToken cancellation)
    {
        if (RequestPath.Parse(request.Path) is { Plural: { } plural } path
            && _state.Registry.Find(path.Group, path.Version, plural) is { } resource
            && (path.Namespace is null || resource.Kind.Namespaced)
            && (path.Namespace is not null || path.Name is null || !resource.Kind.Namespaced))
        {
            return _resources.HandleAsync(new ResourceCall(request, Query.Parse(request.Query), resource, path.Namespace, path.Name, path.Subresource), cancellation);
        }

        return new(_discovery.TryAnswer(request) ?? _openApi.TryAnswer(request) ?? _reviews.TryAnswer(request) ?? ServerInformation.TryAnswer(request) ?? NotServed(request));
    }

    private ApiResponse.Content NotServed(ApiRequest request) => RequestPath.Parse(request.Path) is { Plural: not null } path && _state.Registry.IsBuiltIn(path.Group, path.Version)
        ? throw Failures.NotServed()
        : ApiResponse.NotServed;
}
