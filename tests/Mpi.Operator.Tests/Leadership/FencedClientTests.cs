using Kube.Client;
using Kube.Testing;
using Kube.Types;

namespace Mpi.Operator.Tests;

public sealed class FencedClientTests
{
    private readonly VirtualClock _clock = new();
    private readonly ScriptedKube _kube = new();
    private readonly Leadership _leadership = new();
    private FencedClient Client => new(_kube, _leadership, _clock, TimeSpan.FromSeconds(10));

    private sealed class Leadership : ILeadership
    {
        public bool Leads { get; set; } = true;
        public TimeSpan Left { get; set; } = TimeSpan.FromSeconds(15);

        public bool MayWrite(out TimeSpan timeLeft)
        {
            timeLeft = Left;
            return Leads;
        }
    }

    [Fact]
    public async Task Without_the_lease_no_write_is_sent_and_reads_pass()
    {
        _kube.Put(Kinds.Pod, A.Pod("p"));
        _leadership.Leads = false;
        await Assert.ThrowsAsync<NotLeadingException>(() => Client.CreateAsync(Kinds.Pod, A.Pod("q"), CancellationToken.None));
        await Assert.ThrowsAsync<NotLeadingException>(() => Client.UpdateAsync(Kinds.Pod, A.Pod("p"), null, CancellationToken.None));
        await Assert.ThrowsAsync<NotLeadingException>(() => Client.PatchAsync(Kinds.Pod, "default", "p", Patch.Merge([]), null, CancellationToken.None));
        await Assert.ThrowsAsync<NotLeadingException>(() => Client.DeleteAsync(Kinds.Pod, "default", "p", new DeleteOptions(), CancellationToken.None));
        await Assert.ThrowsAsync<NotLeadingException>(() => Client.DeleteCollectionAsync(Kinds.Pod, "default", new ListOptions(), new DeleteOptions(), CancellationToken.None));
        Assert.Empty(_kube.Calls);
        await Client.GetAsync(Kinds.Pod, "default", "p", CancellationToken.None);
    }

    [Theory]
    [InlineData(15, 10)]
    [InlineData(7.5, 7.5)]
    public async Task A_write_ends_at_its_own_limit_or_before_the_lease_does(double leaseLeft, double endsAfter)
    {
        _leadership.Left = TimeSpan.FromSeconds(leaseLeft);
        _kube.Delay = static (_, token) => Task.Delay(Timeout.Infinite, token);
        var write = Client.CreateAsync(Kinds.Pod, A.Pod("p"), CancellationToken.None);
        _clock.Advance(TimeSpan.FromSeconds(endsAfter - 0.001));
        Assert.False(write.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(0.001));
        await Assert.ThrowsAsync<HttpRequestException>(() => write);
    }

    [Fact]
    public async Task Cancellation_is_cancellation_and_no_timeout()
    {
        _kube.Delay = static (_, token) => Task.Delay(Timeout.Infinite, token);
        using var stop = new CancellationTokenSource();
        var write = Client.CreateAsync(Kinds.Pod, A.Pod("p"), stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
    }
}
