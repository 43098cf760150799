using System.Collections.Immutable;
using Kube.Client;

namespace Kube.Nodes.Linux;

/// <summary>
/// All of a node's loops as one, a step of one part at a time: they share the workers and what was last seen, and so need no locks
/// among themselves. Parts take turns, so that a busy one does not starve the others.
/// </summary>
internal sealed class NodeLoop(ImmutableArray<ILoop> parts) : ILoop
{
    private int _next;

    public string Name => "node";

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        for (var i = 0; i < parts.Length; i++)
        {
            var part = parts[_next];
            _next = (_next + 1) % parts.Length;
            if (await part.StepAsync(cancellation)) return true;
        }

        return false;
    }

    public async ValueTask WaitAsync(CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var waits = parts.Select(p => p.WaitAsync(over.Token).AsTask()).ToList();
        await Task.WhenAny(waits);
        await over.CancelAsync();
        try
        {
            await Task.WhenAll(waits);
        }
        catch (OperationCanceledException)
        {
            // The waits that did not come true.
        }

        cancellation.ThrowIfCancellationRequested();
    }
}
