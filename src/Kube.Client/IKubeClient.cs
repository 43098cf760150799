using Kube.Types;

namespace Kube.Client;

/// <summary>Reads objects. All methods throw <see cref="ApiException"/> for what the server refuses and <see cref="HttpRequestException"/> when it cannot be reached.</summary>
public interface IKubeReader
{
    Task<KubeObject> GetAsync(ResourceKind kind, string? ns, string name, CancellationToken cancellation);

    /// <summary>One page; <see cref="ListPage.Continue"/> leads to the next.</summary>
    Task<ListPage> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken cancellation);

    /// <summary>Opens a watch. The stream belongs to the caller, who disposes it.</summary>
    Task<IWatch> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken cancellation);
}

/// <summary>Writes objects. Same errors as <see cref="IKubeReader"/>.</summary>
public interface IKubeWriter
{
    Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, CancellationToken cancellation);

    /// <summary>Sends an object to a subresource of the one that it is named for, such as <c>serviceaccounts/token</c>, and returns the answer.</summary>
    Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, string subresource, CancellationToken cancellation);

    /// <summary>Replaces an object, or with <paramref name="subresource"/> <c>status</c> its status; the object carries the resourceVersion it was read at.</summary>
    Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, string? subresource, CancellationToken cancellation);

    Task<KubeObject> PatchAsync(ResourceKind kind, string? ns, string name, Patch patch, string? subresource, CancellationToken cancellation);

    Task DeleteAsync(ResourceKind kind, string? ns, string name, DeleteOptions options, CancellationToken cancellation);

    Task DeleteCollectionAsync(ResourceKind kind, string ns, ListOptions which, DeleteOptions options, CancellationToken cancellation);
}

public interface IKubeClient : IKubeReader, IKubeWriter;

/// <summary>What a list asks for.</summary>
/// <param name="LabelSelector">Such as <c>app=x,role!=y</c>.</param>
/// <param name="FieldSelector">Such as <c>spec.nodeName=a</c>.</param>
/// <param name="Limit">Objects a page; 0 asks for all in one.</param>
/// <param name="Continue">The token of the page before.</param>
/// <param name="ResourceVersion">Empty for the newest state; <c>0</c> for any state the server has at hand.</param>
public sealed record ListOptions(string LabelSelector = "", string FieldSelector = "", int Limit = 0, string Continue = "", string ResourceVersion = "");

public sealed record ListPage(IReadOnlyList<KubeObject> Items, string ResourceVersion, string Continue)
{
    /// <summary>Items that could not be read, named, each with its fault. The others are in <see cref="Items"/>.</summary>
    public System.Collections.Immutable.ImmutableArray<string> Malformed { get; init; } = [];
}

/// <param name="ResourceVersion">Changes after this one are sent.</param>
/// <param name="LabelSelector">As in <see cref="ListOptions"/>.</param>
/// <param name="FieldSelector">As in <see cref="ListOptions"/>.</param>
/// <param name="Timeout">How long the server keeps the watch open at most.</param>
public sealed record WatchOptions(string ResourceVersion, string LabelSelector = "", string FieldSelector = "", TimeSpan? Timeout = null);

/// <param name="Uid">Delete only this incarnation.</param>
/// <param name="ResourceVersion">Delete only in this state.</param>
/// <param name="GracePeriod">Overrides the pod's own; zero kills at once.</param>
/// <param name="Propagation"><c>Background</c>, <c>Foreground</c> or <c>Orphan</c>; null leaves it to the server.</param>
public sealed record DeleteOptions(string? Uid = null, string? ResourceVersion = null, TimeSpan? GracePeriod = null, string? Propagation = null);

/// <summary>A patch body with its content type.</summary>
public sealed record Patch(string ContentType, ReadOnlyMemory<byte> Body, string? FieldManager = null, bool Force = false)
{
    public static Patch Merge(System.Text.Json.Nodes.JsonObject body) => new("application/merge-patch+json", body.ToUtf8());
    public static Patch Json(System.Text.Json.Nodes.JsonArray body) => new("application/json-patch+json", body.ToUtf8());
    public static Patch Strategic(System.Text.Json.Nodes.JsonObject body) => new("application/strategic-merge-patch+json", body.ToUtf8());
    public static Patch Apply(System.Text.Json.Nodes.JsonObject body, string fieldManager, bool force = false) => new("application/apply-patch+yaml", body.ToUtf8(), fieldManager, force);
}
