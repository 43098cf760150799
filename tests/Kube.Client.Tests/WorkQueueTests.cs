using Kube.Testing;
using Kube.Types;

namespace Kube.Client.Tests;

public sealed class WorkQueueTests
{
    private readonly VirtualClock _clock = new();
    private readonly WorkQueue<string> _queue;

    public WorkQueueTests() => _queue = new WorkQueue<string>(new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)) { Spread = 0 }, _clock, new Random(1));

    private List<string> TakeAll()
    {
        var taken = new List<string>();
        while (_queue.TryTake(out var key))
        {
            taken.Add(key);
            _queue.Done(key);
        }

        return taken;
    }

    [Fact]
    public void A_key_added_often_is_taken_once_and_keys_keep_their_order()
    {
        _queue.Add("b");
        _queue.Add("a");
        _queue.Add("b");
        Assert.Equal(["b", "a"], TakeAll());
    }

    [Fact]
    public void A_key_that_is_being_worked_on_is_not_handed_out_again_and_comes_back_when_done()
    {
        _queue.Add("a");
        Assert.True(_queue.TryTake(out _));
        _queue.Add("a");
        _queue.Add("a");
        Assert.False(_queue.TryTake(out _));
        _queue.Done("a");
        Assert.Equal(["a"], TakeAll());
    }

    [Fact]
    public void The_shortest_wait_of_a_key_counts()
    {
        _queue.AddAfter("a", TimeSpan.FromSeconds(10));
        _queue.AddAfter("a", TimeSpan.FromSeconds(3));
        _queue.AddAfter("a", TimeSpan.FromSeconds(5));
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(TakeAll());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["a"], TakeAll());
        _clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Empty(TakeAll());
    }

    [Fact]
    public void Waits_grow_with_failures_up_to_a_bound_and_begin_anew_after_a_success()
    {
        Assert.Equal([1, 2, 4, 8, 10, 10], Enumerable.Range(0, 6).Select(_ => (int)_queue.Retry("a").TotalSeconds));
        _queue.Forget("a");
        Assert.Equal(1, _queue.Retry("a").TotalSeconds);
        Assert.Equal(30, _queue.Retry("b", TimeSpan.FromSeconds(30)).TotalSeconds);
    }

    [Fact]
    public void Waits_are_spread_so_that_not_all_return_together()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));
        var random = new Random(1);
        var waits = Enumerable.Range(0, 100).Select(_ => backoff.After(2, random).TotalSeconds).ToList();
        Assert.All(waits, w => Assert.InRange(w, 1, 2));
        Assert.True(waits.Distinct().Count() > 90);
    }

    [Fact]
    public async Task A_waiting_taker_is_woken_by_a_key_and_by_a_due_time()
    {
        var waiting = _queue.WaitAsync(CancellationToken.None).AsTask();
        Assert.False(waiting.IsCompleted);
        _queue.Add("a");
        await waiting;
        TakeAll();
        _queue.AddAfter("b", TimeSpan.FromSeconds(5));
        await _queue.WaitAsync(CancellationToken.None);
        var timed = _queue.WaitAsync(CancellationToken.None).AsTask();
        Assert.False(timed.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(5));
        await timed;
        Assert.Equal(["b"], TakeAll());
    }

    [Fact]
    public void Any_course_of_additions_and_work_hands_out_every_key_and_none_twice_at_a_time()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var clock = new VirtualClock();
            var queue = new WorkQueue<int>(new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5)), clock, random);
            var (owed, held) = (new HashSet<int>(), new HashSet<int>());
            for (var i = 0; i < 300; i++)
            {
                var key = random.Next(6);
                switch (random.Next(5))
                {
                    case 0:
                        queue.Add(key);
                        owed.Add(key);
                        break;
                    case 1:
                        queue.AddAfter(key, TimeSpan.FromSeconds(random.Next(4)));
                        owed.Add(key);
                        break;
                    case 2 when queue.TryTake(out var taken):
                        Assert.True(held.Add(taken), $"seed {seed}: {taken} was handed out twice");
                        owed.Remove(taken);
                        break;
                    case 3 when held.Count > 0:
                        var done = held.First();
                        held.Remove(done);
                        if (random.Next(2) == 0)
                        {
                            queue.Retry(done);
                            owed.Add(done);
                        }

                        queue.Done(done);
                        break;
                    default:
                        clock.Advance(TimeSpan.FromSeconds(random.Next(2)));
                        break;
                }
            }

            foreach (var key in held) queue.Done(key);
            clock.Advance(TimeSpan.FromSeconds(10));
            while (queue.TryTake(out var last))
            {
                owed.Remove(last);
                queue.Done(last);
            }

            Assert.True(owed.Count == 0, $"seed {seed}: {string.Join(",", owed)} got lost");
        }
    }
}

public sealed class ControllerLoopTests
{
    private readonly VirtualClock _clock = new();
    private readonly WorkQueue<string> _queue;
    private readonly List<string> _worked = [];
    private readonly List<string> _failures = [];

    public ControllerLoopTests() => _queue = new WorkQueue<string>(new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)) { Spread = 0 }, _clock, new Random(1));

    private Stepper Run(Func<string, Outcome> reconcile, params IReflector[] sources)
    {
        var loop = new ControllerLoop<string>(
            "test", _queue,
            (key, _) =>
            {
                _worked.Add(key);
                return ValueTask.FromResult(reconcile(key));
            },
            sources, (key, fault, wait) => _failures.Add($"{key}: {fault.Message} {wait.TotalSeconds}"));
        return new Stepper(_clock, new Random(1)).Add(loop);
    }

    [Fact]
    public void What_one_key_throws_slows_that_key_alone()
    {
        var stepper = Run(key => key == "bad" ? throw new InvalidOperationException("boom") : Outcome.Done);
        _queue.Add("bad");
        _queue.Add("good");
        stepper.RunUntilQuiet();
        Assert.Equal(["bad", "good"], _worked);
        stepper.RunFor(TimeSpan.FromSeconds(3.5));
        Assert.Equal(["bad: boom 1", "bad: boom 2", "bad: boom 4"], _failures);
    }

    [Fact]
    public void A_key_comes_back_when_it_asked_to()
    {
        var stepper = Run(_ => _worked.Count == 1 ? new Outcome.Requeue(TimeSpan.FromSeconds(30)) : Outcome.Done);
        _queue.Add("a");
        stepper.RunFor(TimeSpan.FromSeconds(29));
        Assert.Single(_worked);
        stepper.RunFor(TimeSpan.FromMinutes(5));
        Assert.Equal(["a", "a"], _worked);
        Assert.Empty(_failures);
    }

    [Fact]
    public void A_conflict_is_tried_again_and_is_no_failure_and_the_servers_wish_to_wait_is_kept()
    {
        var stepper = Run(_ => _worked.Count switch
        {
            1 => throw new ApiException(new ApiStatus(409, ApiReason.Conflict, "modified")),
            2 => throw new ApiException(new ApiStatus(429, ApiReason.TooManyRequests, "slow") { RetryAfter = TimeSpan.FromSeconds(20) }),
            _ => Outcome.Done,
        });
        _queue.Add("a");
        stepper.RunFor(TimeSpan.FromSeconds(20.9));
        Assert.Equal(2, _worked.Count);
        stepper.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal(3, _worked.Count);
        Assert.Equal("a: slow 20", Assert.Single(_failures));
        Assert.Equal(0, _queue.Failures("a"));
    }

    [Fact]
    public void Nothing_is_worked_on_before_every_cache_is_filled()
    {
        var server = new ScriptedHandler().Status(500, "InternalError").Json("""{"metadata":{"resourceVersion":"1"},"items":[]}""").Watch(out _);
        var client = new KubeClient(server, new Uri("http://test.invalid/"), new KubeClientOptions(Timeout.InfiniteTimeSpan, "t"), _clock);
        var reflector = new Reflector<KubeObject>(client, Kinds.Pod, "x", new Store<KubeObject>(static o => o), new ReflectorOptions(), _clock, new Random(1));
        var stepper = Run(_ => Outcome.Done, reflector).Add(reflector);
        _queue.Add("a");
        stepper.RunUntilQuiet();
        Assert.Empty(_worked);
        stepper.RunFor(TimeSpan.FromSeconds(2));
        Assert.Equal(["a"], _worked);
    }

    [Fact]
    public async Task A_key_whose_work_the_programs_end_cut_off_is_not_lost()
    {
        using var end = new CancellationTokenSource();
        var loop = new ControllerLoop<string>("test", _queue, async (_, cancellation) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _clock, cancellation);
            return Outcome.Done;
        }, []);
        _queue.Add("a");
        var step = loop.StepAsync(end.Token).AsTask();
        end.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => step);
        Assert.Equal(1, _queue.ReadyCount);
    }
}
