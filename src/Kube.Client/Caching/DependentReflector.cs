namespace Kube.Client;

/// <summary>Tells of a kind that the cluster may or may not serve (<see cref="ReflectorOptions.AbsentPause"/>).</summary>
public interface IKindWatch
{
    /// <summary>Whether the cluster was found to serve the kind once; it stays true.</summary>
    bool WasServed { get; }

    /// <summary>Completes when <see cref="WasServed"/> is true.</summary>
    ValueTask WaitUntilServedAsync(CancellationToken cancellation);
}

/// <summary>
/// Fills a cache that is of no use until the cluster serves some other kind: begins when that kind's reflector has found it served for the
/// first time, and is from then on like any other. So a kind that nobody has installed costs one question now and then, and not the watches
/// of everything that its objects would own.
/// </summary>
/// <param name="inner">Stands still until then.</param>
/// <param name="on">Looks for the other kind.</param>
public sealed class DependentReflector(IReflector inner, IKindWatch on) : IReflector
{
    public string Name => inner.Name;

    public bool HasSynced => inner.HasSynced;

    public string? SeenUpTo => inner.SeenUpTo;

    public DateTimeOffset? NextDue => on.WasServed ? inner.NextDue : null;

    public async ValueTask<bool> StepAsync(CancellationToken cancellation) => on.WasServed && await inner.StepAsync(cancellation);

    public ValueTask WaitAsync(CancellationToken cancellation) => on.WasServed ? inner.WaitAsync(cancellation) : on.WaitUntilServedAsync(cancellation);

    public ValueTask WaitForSyncAsync(CancellationToken cancellation) => inner.WaitForSyncAsync(cancellation);

    public void Relist() => inner.Relist();

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
