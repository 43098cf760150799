using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Kube.Client;
using Kube.Types;

namespace EndToEnd;

/// <summary>One change of a cluster.</summary>
/// <param name="Number">Its place among all changes: the resourceVersion that it made.</param>
internal sealed record NumberedChange(long Number, ResourceKind Kind, WatchEventType Type, KubeObject Object);

/// <summary>
/// Every change of a local cluster since it began, in the order in which they were made. The API server numbers its changes without a gap, so
/// what the watches of all its kinds bring apart is put together by counting; after the first look it is asked for nothing else.
/// </summary>
internal sealed class ChangeFeed(KubeClient client, IReadOnlyCollection<ResourceKind> known) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Channel<NumberedChange> _arrivals = Channel.CreateUnbounded<NumberedChange>(new UnboundedChannelOptions { SingleReader = true });
    private readonly HashSet<string> _followed = new(StringComparer.Ordinal);
    private readonly List<Task> _readers = [];
    private readonly CancellationTokenSource _stop = new();
    private long _beginning;
    private int _open = 1;

    /// <summary>Ends with the cluster; the last changes of one that is killed may be missing.</summary>
    public async IAsyncEnumerable<NumberedChange> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var last = _beginning = await BeginningAsync(cancellation);
        foreach (var kind in await KindsAsync(cancellation)) Follow(kind);
        End();

        var early = new SortedDictionary<long, NumberedChange>();
        await foreach (var arrival in _arrivals.Reader.ReadAllAsync(cancellation))
        {
            early.Add(arrival.Number, arrival);
            while (early.Remove(last + 1, out var next))
            {
                last++;
                if (next.Kind == Kinds.CustomResourceDefinition) Follow(Defined(next.Object));
                yield return next;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_readers);
        _stop.Dispose();
    }

    /// <summary>The namespaces that every cluster has are the first that it makes.</summary>
    private async Task<long> BeginningAsync(CancellationToken cancellation) =>
        (await client.ListAsync(Kinds.Namespace, null, new ListOptions(), cancellation)).Items.Min(static n => Number(n)) - 1;

    private async Task<IReadOnlyList<ResourceKind>> KindsAsync(CancellationToken cancellation)
    {
        // Those that are defined come first, in the version in which they are stored: discovery prefers others.
        var kinds = (await client.ListAsync(Kinds.CustomResourceDefinition, null, new ListOptions(), cancellation)).Items.Select(Defined).ToList();
        // Events are served under two names: one of them will do.
        var versions = (await client.ReadAsync("/apis", cancellation)).Items("groups").Where(static g => g.Text("name") != "events.k8s.io").Select(static g => $"/apis/{g.Text("preferredVersion", "groupVersion")}").Prepend("/api/v1");
        foreach (var version in versions)
        {
            var (group, name) = version.Split('/') is [_, "apis", var g, var v] ? (g, v) : ("", "v1");
            kinds.AddRange((await client.ReadAsync(version, cancellation)).Items("resources")
                .Where(static r => r.At("verbs").EnumerateArray().Any(static verb => verb.ValueEquals("watch")))
                .Select(r => new ResourceKind(group, name, r.Text("kind")!, r.Text("name")!, r.Flag("namespaced") == true)));
        }

        return kinds;
    }

    private static ResourceKind Defined(KubeObject definition)
    {
        var spec = definition.Root.At("spec");
        var stored = spec.Items("versions").First(static v => v.Flag("storage") == true).Text("name")!;
        return new ResourceKind(spec.Text("group")!, stored, spec.Text("names", "kind")!, spec.Text("names", "plural")!, spec.Text("scope") == "Namespaced");
    }

    private void Follow(ResourceKind kind)
    {
        if (!_followed.Add($"{kind.Plural}.{kind.Group}")) return;
        Interlocked.Increment(ref _open);
        _readers.Add(FollowAsync(known.FirstOrDefault(k => k == kind) ?? kind, _stop.Token));
    }

    private async Task FollowAsync(ResourceKind kind, CancellationToken cancellation)
    {
        var seen = _beginning;
        try
        {
            while (true)
            {
                try
                {
                    await using var watch = await client.WatchAsync(kind, null, new WatchOptions(seen.ToString(CultureInfo.InvariantCulture)), cancellation);
                    while (!watch.Ended)
                    {
                        while (watch.TryRead(out var news))
                        {
                            seen = Number(news.Object);
                            if (news.Type != WatchEventType.Bookmark) await _arrivals.Writer.WriteAsync(new NumberedChange(seen, kind, news.Type, news.Object), cancellation);
                        }

                        await watch.WaitAsync(cancellation);
                    }
                }
                catch (HttpRequestException busy) when (busy.HttpRequestError != HttpRequestError.ConnectionError)
                {
                    // It goes on where it was.
                }
                catch (ApiException soon) when (soon.IsNotFound)
                {
                    // What has just been defined is not served yet.
                }

                await Task.Delay(Pause, cancellation);
            }
        }
        catch (Exception over) when (over is OperationCanceledException or HttpRequestException)
        {
            // Nobody listens there any more: the cluster is gone.
        }
        catch (Exception lost)
        {
            _arrivals.Writer.TryComplete(lost);
        }
        finally
        {
            End();
        }
    }

    private void End()
    {
        if (Interlocked.Decrement(ref _open) == 0) _arrivals.Writer.TryComplete();
    }

    internal static long Number(KubeObject obj) => long.Parse(obj.Meta.ResourceVersion, CultureInfo.InvariantCulture);
}
