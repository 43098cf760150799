namespace Mpi.Operator.Tests;

public sealed class SlowStartTests
{
    [Fact]
    public async Task Batches_double_until_the_limit()
    {
        List<int> begun = [];
        var open = new List<TaskCompletionSource<bool>>();
        var run = SlowStart.RunAsync(Enumerable.Range(0, 20).ToList(), 8, item =>
        {
            begun.Add(item);
            var gate = new TaskCompletionSource<bool>();
            open.Add(gate);
            return gate.Task;
        });
        foreach (var expected in (int[])[1, 3, 7, 15, 20])
        {
            Assert.Equal(expected, begun.Count);
            var now = open.ToList();
            open.Clear();
            foreach (var gate in now) gate.SetResult(true);
        }

        Assert.Equal(20, await run);
        Assert.Equal(Enumerable.Range(0, 20), begun);
    }

    [Fact]
    public async Task A_failure_ends_it_with_its_batch()
    {
        List<int> begun = [];
        var count = await SlowStart.RunAsync(Enumerable.Range(0, 1000).ToList(), 64, item =>
        {
            begun.Add(item);
            return Task.FromResult(item != 1);
        });
        Assert.Equal(3, count);
        Assert.Equal([0, 1, 2], begun);
    }

    [Fact]
    public async Task Nothing_to_do_is_fine() => Assert.Equal(0, await SlowStart.RunAsync(Array.Empty<int>(), 4, static _ => Task.FromResult(true)));
}
