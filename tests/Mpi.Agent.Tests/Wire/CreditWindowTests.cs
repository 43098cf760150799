using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class CreditWindowTests
{
    [Fact]
    public void A_sender_gets_no_more_than_the_receiver_has_room_for()
    {
        var window = new CreditWindow();

        Assert.Equal(CreditWindow.Size - 10, window.Take(CreditWindow.Size - 10));
        Assert.Equal(10, window.Take(100));
        window.Give(5);
        Assert.Equal(5, window.Take(100));
    }

    [Fact]
    public async Task A_sender_waits_for_credit_and_gives_up_when_the_stream_is_closed()
    {
        var window = new CreditWindow();
        window.Take(CreditWindow.Size);

        var waiting = Task.Run(() => window.Take(1), TestContext.Current.CancellationToken);
        window.Give(1);
        Assert.Equal(1, await waiting);

        var closing = Task.Run(() => window.Take(1), TestContext.Current.CancellationToken);
        window.Close();
        Assert.Equal(0, await closing);
    }

    [Fact]
    public void Credit_for_what_was_never_sent_is_refused()
    {
        var window = new CreditWindow();
        window.Take(10);

        Assert.Throws<ProtocolException>(() => window.Give(11));
    }
}
