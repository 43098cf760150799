using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Mpi.Operator.Tests;

/// <summary>One call that reached the fake.</summary>
internal sealed record Call(string Verb, ResourceKind Kind, ObjectKey Key, JsonNode? Body = null, string? Subresource = null, DeleteOptions? Delete = null)
{
    public bool IsWrite => Verb is not ("get" or "list" or "watch");
    public override string ToString() => $"{Verb} {Kind.Plural}{(Subresource is null ? "" : "/" + Subresource)} {Key}";
}

/// <summary>
/// A few objects under optimistic concurrency, every call recorded, and a script that may spoil any of them. No API
/// server: it knows only what these tests ask.
/// </summary>
internal sealed class ScriptedKube : IKubeClient
{
    private readonly SortedDictionary<(string Plural, ObjectKey Key), JsonObject> _objects = [];
    private readonly List<Call> _calls = [];
    private long _revision = 100;
    private long _uid;

    /// <summary>Throws instead of the call, before it takes effect.</summary>
    public Func<Call, Exception?> Before { get; set; } = static _ => null;

    /// <summary>Throws after the call took effect: its answer is lost.</summary>
    public Func<Call, Exception?> After { get; set; } = static _ => null;

    /// <summary>Awaited before each call.</summary>
    public Func<Call, CancellationToken, Task> Delay { get; set; } = static (_, _) => Task.CompletedTask;

    public ImmutableArray<Call> Calls { get { lock (_calls) return [.. _calls]; } }
    public IEnumerable<string> Writes => Calls.Where(static c => c.IsWrite).Select(static c => c.ToString());

    public void Forget()
    {
        lock (_calls) _calls.Clear();
    }

    public KubeObject Put(ResourceKind kind, KubeObject obj)
    {
        var tree = obj.ToTree();
        var meta = tree.Object("metadata");
        meta["resourceVersion"] = (++_revision).ToString();
        meta["uid"] ??= $"uid-{++_uid}";
        _objects[(kind.Plural, obj.Meta.Key)] = tree;
        return KubeObject.From(tree);
    }

    public KubeObject? Find(ResourceKind kind, string ns, string name) =>
        _objects.TryGetValue((kind.Plural, new ObjectKey(ns, name)), out var tree) ? KubeObject.From(tree) : null;

    public IEnumerable<KubeObject> All(ResourceKind kind) => _objects.Where(o => o.Key.Plural == kind.Plural).Select(static o => KubeObject.From(o.Value)).ToList();

    public Task<KubeObject> GetAsync(ResourceKind kind, string? ns, string name, CancellationToken cancellation) =>
        DoAsync(new Call("get", kind, new ObjectKey(ns ?? "", name)), () => Find(kind, ns ?? "", name) ?? throw Missing(kind, name), cancellation);

    public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, CancellationToken cancellation) =>
        DoAsync(
            new Call("create", kind, obj.Meta.Key, obj.ToTree()),
            () => _objects.ContainsKey((kind.Plural, obj.Meta.Key)) ? throw Failure(409, ApiReason.AlreadyExists, $"{obj.Meta.Name} already exists") : Put(kind, obj),
            cancellation);

    public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, string subresource, CancellationToken cancellation) =>
        throw new NotSupportedException("the operator creates no subresources");

    public Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, string? subresource, CancellationToken cancellation) =>
        DoAsync(new Call("update", kind, obj.Meta.Key, obj.ToTree(), subresource), () =>
        {
            var stored = Find(kind, obj.Meta.Namespace, obj.Meta.Name) ?? throw Missing(kind, obj.Meta.Name);
            if (stored.Meta.ResourceVersion != obj.Meta.ResourceVersion) throw Failure(409, ApiReason.Conflict, "the object has been modified");
            return Put(kind, obj);
        }, cancellation);

    public Task<KubeObject> PatchAsync(ResourceKind kind, string? ns, string name, Patch patch, string? subresource, CancellationToken cancellation)
    {
        var body = JsonNode.Parse(patch.Body.Span)!;
        return DoAsync(new Call("patch", kind, new ObjectKey(ns ?? "", name), body, subresource), () =>
        {
            var stored = Find(kind, ns ?? "", name) ?? throw Missing(kind, name);
            if (body is JsonArray steps)
            {
                try
                {
                    var patched = KubeObject.From(JsonPatch.Apply(stored.ToTree(), steps)!);
                    return JsonNode.DeepEquals(patched.ToTree(), stored.ToTree()) ? stored : Put(kind, patched);
                }
                catch (PatchException e)
                {
                    throw Failure(422, ApiReason.Invalid, e.Message);
                }
            }

            if (body["metadata"]?["resourceVersion"] is { } asked && asked.GetValue<string>() != stored.Meta.ResourceVersion) throw Failure(409, ApiReason.Conflict, "the object has been modified");
            return Put(kind, KubeObject.From(MergePatch.Apply(stored.ToTree(), body)!));
        }, cancellation);
    }

    public Task DeleteAsync(ResourceKind kind, string? ns, string name, DeleteOptions options, CancellationToken cancellation) =>
        DoAsync(new Call("delete", kind, new ObjectKey(ns ?? "", name), Delete: options), () =>
        {
            var stored = Find(kind, ns ?? "", name) ?? throw Missing(kind, name);
            if (options.Uid is { } uid && uid != stored.Meta.Uid) throw Failure(409, ApiReason.Conflict, "the UID in the precondition does not match");
            _objects.Remove((kind.Plural, stored.Meta.Key));
            return stored;
        }, cancellation);

    public Task DeleteCollectionAsync(ResourceKind kind, string ns, ListOptions which, DeleteOptions options, CancellationToken cancellation) =>
        DoAsync(new Call("deletecollection", kind, new ObjectKey(ns, which.LabelSelector), Delete: options), static () => true, cancellation);

    public Task<ListPage> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<IWatch> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken cancellation) => throw new NotSupportedException();

    public static ApiException Failure(int code, string reason, string message) => new(new ApiStatus(code, reason, message));

    private static ApiException Missing(ResourceKind kind, string name) => Failure(404, ApiReason.NotFound, $"{kind.Plural} \"{name}\" not found");

    private async Task<T> DoAsync<T>(Call call, Func<T> effect, CancellationToken cancellation)
    {
        lock (_calls) _calls.Add(call);
        await Delay(call, cancellation);
        cancellation.ThrowIfCancellationRequested();
        if (Before(call) is { } refused) throw refused;
        var result = effect();
        if (After(call) is { } lost) throw lost;
        return result;
    }
}
