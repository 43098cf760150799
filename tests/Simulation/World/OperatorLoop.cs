using Kube.Client;
using Kube.Testing;

namespace Simulation;

/// <summary>A loop of one operator: whose it is, and what its times of day mean where that operator's clock is wrong.</summary>
internal sealed class OperatorLoop(ITimedLoop inner, string identity, SkewedClock clock) : ITimedLoop
{
    public string Identity => identity;

    public string Name => inner.Name;

    public DateTimeOffset? NextDue => clock.ToTruth(inner.NextDue);

    public ValueTask<bool> StepAsync(CancellationToken cancellation) => inner.StepAsync(cancellation);

    public ValueTask WaitAsync(CancellationToken cancellation) => inner.WaitAsync(cancellation);
}
