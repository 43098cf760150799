using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Many caches as one that counts as filled when all are, or after a while: one kind that cannot be listed must not hold up the
/// collection of all others. What is then missing costs at most a deletion that waited for too few: owners are asked for by name.
/// </summary>
internal sealed class SyncPatience(IReadOnlyList<IReflector> reflectors, TimeProvider time) : IReflector
{
    // As the garbage collector of Kubernetes waits for its monitors.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly DateTimeOffset _until = time.GetUtcNow() + Limit;
    private bool _synced;

    public string Name => "reflector/all";

    public bool HasSynced => _synced || (_synced = reflectors.All(static r => r.HasSynced) || time.GetUtcNow() >= _until);

    public string? SeenUpTo => null;

    public DateTimeOffset? NextDue => _synced ? null : _until;

    public async ValueTask WaitForSyncAsync(CancellationToken cancellation)
    {
        if (HasSynced) return;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var left = _until - time.GetUtcNow();
        var patience = Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)), time, ended.Token);
        await Task.WhenAny(patience, Task.WhenAll(reflectors.Select(r => r.WaitForSyncAsync(ended.Token).AsTask())));
        await ended.CancelAsync();
        cancellation.ThrowIfCancellationRequested();
    }

    public ValueTask<bool> StepAsync(CancellationToken cancellation) => ValueTask.FromResult(false);

    public ValueTask WaitAsync(CancellationToken cancellation) => WaitForSyncAsync(cancellation);

    public void Relist()
    {
        foreach (var reflector in reflectors) reflector.Relist();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
