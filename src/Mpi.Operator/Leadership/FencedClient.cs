using Kube.Client;
using Kube.Types;

namespace Mpi.Operator;

/// <summary>
/// The client that the controller writes with. It begins no write after the renew deadline, and ends each before another
/// process may lead (design section 3), so that two operators never write at the same time. Reads pass, with the same
/// limit in time. A request that ran into its limit may have landed or not; it fails as <see cref="HttpRequestException"/>.
/// </summary>
/// <param name="limit">The longest that one request may take.</param>
public sealed class FencedClient(IKubeClient inner, ILeadership leadership, TimeProvider time, TimeSpan limit) : IKubeClient
{
    public Task<KubeObject> GetAsync(ResourceKind kind, string? ns, string name, CancellationToken cancellation) =>
        WithinAsync(limit, token => inner.GetAsync(kind, ns, name, token), cancellation);

    public Task<ListPage> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken cancellation) =>
        inner.ListAsync(kind, ns, options, cancellation);

    public Task<IWatch> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken cancellation) =>
        inner.WatchAsync(kind, ns, options, cancellation);

    public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, CancellationToken cancellation) =>
        WriteAsync(token => inner.CreateAsync(kind, obj, token), cancellation);

    public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, string subresource, CancellationToken cancellation) =>
        WriteAsync(token => inner.CreateAsync(kind, obj, subresource, token), cancellation);

    public Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, string? subresource, CancellationToken cancellation) =>
        WriteAsync(token => inner.UpdateAsync(kind, obj, subresource, token), cancellation);

    public Task<KubeObject> PatchAsync(ResourceKind kind, string? ns, string name, Patch patch, string? subresource, CancellationToken cancellation) =>
        WriteAsync(token => inner.PatchAsync(kind, ns, name, patch, subresource, token), cancellation);

    public Task DeleteAsync(ResourceKind kind, string? ns, string name, DeleteOptions options, CancellationToken cancellation) =>
        WriteAsync(async token => { await inner.DeleteAsync(kind, ns, name, options, token); return true; }, cancellation);

    public Task DeleteCollectionAsync(ResourceKind kind, string ns, ListOptions which, DeleteOptions options, CancellationToken cancellation) =>
        WriteAsync(async token => { await inner.DeleteCollectionAsync(kind, ns, which, options, token); return true; }, cancellation);

    private Task<T> WriteAsync<T>(Func<CancellationToken, Task<T>> write, CancellationToken cancellation)
    {
        if (!leadership.MayWrite(out var left)) throw new NotLeadingException();
        return WithinAsync(left < limit ? left : limit, write, cancellation);
    }

    private async Task<T> WithinAsync<T>(TimeSpan span, Func<CancellationToken, Task<T>> request, CancellationToken cancellation)
    {
        using var ended = new CancellationTokenSource(span, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ended.Token, cancellation);
        try
        {
            return await request(either.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, $"no answer within {span.TotalSeconds:0.#} s");
        }
    }
}
