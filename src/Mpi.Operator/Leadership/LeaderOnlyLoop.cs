using Kube.Client;

namespace Mpi.Operator;

/// <summary>Steps a loop only while this process leads. Standbys keep their stores warm and decide nothing.</summary>
internal sealed class LeaderOnlyLoop(ITimedLoop inner, LeaderElector elector) : ITimedLoop
{
    public string Name => inner.Name;

    public DateTimeOffset? NextDue => elector.MayWrite(out _) ? inner.NextDue : null;

    public async ValueTask<bool> StepAsync(CancellationToken cancellation) => elector.MayWrite(out _) && await inner.StepAsync(cancellation);

    public async ValueTask WaitAsync(CancellationToken cancellation)
    {
        if (!elector.MayWrite(out _)) await elector.Leading.WaitAsync(cancellation);
        await inner.WaitAsync(cancellation);
    }
}
