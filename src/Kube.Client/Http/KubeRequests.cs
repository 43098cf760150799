using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Client;

/// <summary>The requests of the Kubernetes API, built without sending them.</summary>
public static class KubeRequests
{
    public static KubeRequest Get(ResourceKind kind, string? ns, string name, string? subresource = null) =>
        new(HttpMethod.Get, kind.Path(ns, name, subresource));

    public static KubeRequest List(ResourceKind kind, string? ns, ListOptions options) =>
        new(HttpMethod.Get, kind.Path(ns) + ListQuery(options));

    /// <summary>A watch always asks for bookmarks: they keep its resourceVersion young, so that a reconnect seldom finds it gone.</summary>
    public static KubeRequest Watch(ResourceKind kind, string? ns, WatchOptions options) => new(HttpMethod.Get, kind.Path(ns) + Query(
        ("watch", "true"),
        ("allowWatchBookmarks", "true"),
        ("resourceVersion", options.ResourceVersion),
        ("labelSelector", options.LabelSelector),
        ("fieldSelector", options.FieldSelector),
        ("timeoutSeconds", options.Timeout is { } timeout ? $"{(long)Math.Ceiling(timeout.TotalSeconds)}" : "")));

    public static KubeRequest Create(ResourceKind kind, KubeObject obj) =>
        new(HttpMethod.Post, kind.Path(obj.Meta.Namespace)) { Body = obj.Utf8 };

    public static KubeRequest Create(ResourceKind kind, KubeObject obj, string subresource) =>
        new(HttpMethod.Post, kind.Path(obj.Meta.Namespace, obj.Meta.Name, subresource)) { Body = obj.Utf8 };

    public static KubeRequest Update(ResourceKind kind, KubeObject obj, string? subresource) =>
        new(HttpMethod.Put, kind.Path(obj.Meta.Namespace, obj.Meta.Name, subresource)) { Body = obj.Utf8 };

    public static KubeRequest Patch(ResourceKind kind, string? ns, string name, Patch patch, string? subresource) =>
        new(HttpMethod.Patch, kind.Path(ns, name, subresource) + Query(("fieldManager", patch.FieldManager ?? ""), ("force", patch.Force ? "true" : "")))
        {
            Body = patch.Body,
            ContentType = patch.ContentType,
        };

    public static KubeRequest Delete(ResourceKind kind, string? ns, string name, DeleteOptions options) =>
        new(HttpMethod.Delete, kind.Path(ns, name)) { Body = DeleteBody(options) };

    public static KubeRequest DeleteCollection(ResourceKind kind, string ns, ListOptions which, DeleteOptions options) =>
        new(HttpMethod.Delete, kind.Path(ns) + ListQuery(which)) { Body = DeleteBody(options) };

    public static KubeRequest Log(string ns, string pod, LogOptions options) =>
        new(HttpMethod.Get, Kinds.Pod.Path(ns, pod, "log") + Query(
            ("container", options.Container),
            ("follow", options.Follow ? "true" : ""),
            ("previous", options.Previous ? "true" : ""),
            ("timestamps", options.Timestamps ? "true" : ""),
            ("tailLines", options.TailLines?.ToString() ?? ""),
            ("limitBytes", options.LimitBytes?.ToString() ?? "")))
        {
            Accept = "*/*",
        };

    public static KubeRequest Exec(string ns, string pod, ExecOptions options)
    {
        var query = Query(
            ("container", options.Container),
            ("stdin", options.Input ? "true" : ""),
            ("stdout", "true"),
            ("stderr", options.Terminal ? "" : "true"),
            ("tty", options.Terminal ? "true" : ""));
        return new(HttpMethod.Get, Kinds.Pod.Path(ns, pod, "exec") + query + string.Concat(options.Command.Select(static word => $"&command={Uri.EscapeDataString(word)}")))
        {
            Accept = "*/*",
            Subprotocols = [RemoteCommand.V5, RemoteCommand.V4],
        };
    }

    private static string ListQuery(ListOptions options) => Query(
        ("labelSelector", options.LabelSelector),
        ("fieldSelector", options.FieldSelector),
        ("limit", options.Limit > 0 ? options.Limit.ToString() : ""),
        ("continue", options.Continue),
        // The server refuses a resourceVersion beside a continue token, which holds one.
        ("resourceVersion", options.Continue.Length == 0 ? options.ResourceVersion : ""));

    private static ReadOnlyMemory<byte>? DeleteBody(DeleteOptions options)
    {
        var body = new JsonObject { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1" };
        if (options.GracePeriod is { } grace) body["gracePeriodSeconds"] = (long)Math.Ceiling(grace.TotalSeconds);
        if (options.Propagation is { } propagation) body["propagationPolicy"] = propagation;
        if (options.Uid is { } uid) body.Object("preconditions")["uid"] = uid;
        if (options.ResourceVersion is { } version) body.Object("preconditions")["resourceVersion"] = version;
        return body.Count > 2 ? body.ToUtf8() : (ReadOnlyMemory<byte>?)null;
    }

    private static string Query(params ReadOnlySpan<(string Name, string Value)> parameters)
    {
        var query = "";
        foreach (var (name, value) in parameters)
        {
            if (value.Length > 0) query += $"{(query.Length == 0 ? '?' : '&')}{name}={Uri.EscapeDataString(value)}";
        }

        return query;
    }
}

/// <summary>What of a container's log to send.</summary>
/// <param name="Container">Empty for the pod's only container.</param>
/// <param name="Follow">Keep the stream open until the container ends.</param>
/// <param name="Previous">Of the container's run before this one.</param>
/// <param name="TailLines">Only the last lines; null for all.</param>
/// <param name="LimitBytes">End after so many bytes; null for no limit.</param>
public sealed record LogOptions(
    string Container = "", bool Follow = false, bool Previous = false, bool Timestamps = false, int? TailLines = null, long? LimitBytes = null);
