using Kube.Types;

namespace Kube.ApiServer;

/// <summary>GET with <c>watch=true</c>.</summary>
internal static class Watching
{
    /// <summary>A watch that names no timeout ends after half an hour to an hour, so that clients spread (kube-apiserver's <c>--min-request-timeout</c>).</summary>
    private static readonly TimeSpan TimeoutMin = TimeSpan.FromMinutes(30);

    public static ApiResponse Watch(ServerState server, ResourceCall call, Representation representation)
    {
        ListParameters.Validate(call.Query);
        var store = server.Store;
        var selection = Selection.Read(call);
        var streamed = call.Query.Flag("sendInitialEvents");
        var bookmarks = call.Query.Flag("allowWatchBookmarks");
        var asked = Revisions.Read(call);
        // A streamed list promises a state no older than the one named: one that is not reached yet never comes by waiting.
        if (streamed) Revisions.RequireReached(server, call);

        // Without a revision, or with "any", a watch begins with the objects that there are; a streamed list always does.
        var snapshot = asked == 0 || streamed ? store.Read(call.Resource.Objects) : null;
        var plan = new WatchPlan(selection, new WatchEncoding(representation), bookmarks, Duration(server, call), streamed ? snapshot!.Revision : null);
        var watch = new WatchStream(store, call.Resource.Objects, plan, server.Time);
        var skipInitial = call.Query.Text("sendInitialEvents") is { Length: > 0 } && !streamed;
        if (snapshot is not null && !skipInitial) watch.BeginWith(snapshot.Range(selection.Namespace, null).Where(selection.Matches));

        if (!store.TryWatch(watch, snapshot?.Revision ?? asked))
        {
            watch.Dispose();
            // As kube-apiserver does, the answer is a stream whose one event is the error, so that clients have one path for it.
            return TooOld(asked, store.Revision);
        }

        return new ApiResponse.Watch(watch);
    }

    private static ApiResponse.Content TooOld(long asked, long current)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        WatchEncoding.WriteError(output, Failures.Expired($"too old resource version: {asked} ({current})").Status);
        return new ApiResponse.Content([output.WrittenMemory]);
    }

    private static TimeSpan Duration(ServerState server, ResourceCall call) => call.Query.Integer("timeoutSeconds") is { } seconds and > 0
        ? TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.FromDays(1).TotalSeconds))
        : TimeoutMin + TimeSpan.FromSeconds(server.Entropy.Next((int)TimeoutMin.TotalSeconds));
}
